"""Legal working days, imported years and service hours."""

import json
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.adapters.calendars import legal_calendar
from rongtong.domain.calendar import ServiceHours, WorkingCalendar, YearCalendar, parse_calendar_year, to_document
from rongtong.domain.errors import CalendarError

VECTORS = json.loads((Path(__file__).parents[2] / "vectors.json").read_text(encoding="utf-8"))
CALENDAR = legal_calendar()
OFF_2026 = [
    *("01-01", "01-02", "02-16", "02-17", "02-18", "02-19", "02-20", "02-23", "04-06", "05-01", "05-04", "05-05"),
    *("06-19", "09-25", "10-01", "10-02", "10-05", "10-06", "10-07"),
]
# Invented days, which only have to be weekdays and weekends of 2027.
YEAR = {
    "year": 2027,
    "off_weekdays": [
        "2027-01-01",
        *("2027-02-08", "2027-02-09", "2027-02-10", "2027-02-11", "2027-02-12"),
        *("2027-10-01", "2027-10-04"),
    ],
    "working_weekends": ["2027-02-20"],
    "source_url": "https://notices.example/2027",
    "sha256": "0123456789abcdef" * 4,
}


def refusal(call, *arguments):
    with pytest.raises(CalendarError) as refused:
        call(*arguments)
    return refused.value.code, refused.value.field


@pytest.mark.parametrize("day", VECTORS["working_weekends"]["2025"] + VECTORS["working_weekends"]["2026"])
def test_a_maturity_on_a_worked_weekend_does_not_roll(day):
    assert CALENDAR.effective_maturity(date.fromisoformat(day)) == date.fromisoformat(day)


@pytest.mark.parametrize("day", OFF_2026)
def test_statutory_weekdays_off_are_no_working_days(day):
    assert not CALENDAR.is_working_day(date.fromisoformat(f"2026-{day}"))


@pytest.mark.parametrize("year", [2025, 2026])
def test_both_years_have_248_working_days(year):
    days = (date(year, 1, 1) + timedelta(days=at) for at in range(365))
    assert sum(CALENDAR.is_working_day(day) for day in days) == 248


@given(st.dates(date(2025, 1, 1), date(2026, 12, 31)))
def test_the_effective_maturity_is_the_first_working_day_from_the_maturity_on(maturity):
    effective = CALENDAR.effective_maturity(maturity)
    assert effective >= maturity
    assert CALENDAR.is_working_day(effective)
    between = (maturity + timedelta(days=at) for at in range((effective - maturity).days))
    assert not any(CALENDAR.is_working_day(day) for day in between)


def test_skipping_only_weekends_would_be_wrong_for_36_days_of_2026():
    def naive(day):
        return day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() >= 5 else 0)

    days = [date(2026, 1, 1) + timedelta(days=at) for at in range(365)]
    assert sum(naive(day) != CALENDAR.effective_maturity(day) for day in days) == 36


def test_a_year_without_a_published_calendar_is_refused_by_name_not_guessed():
    with pytest.raises(CalendarError) as refused:
        CALENDAR.effective_maturity(date(2027, 1, 2))
    assert refused.value.code == "CALENDAR_UNCONFIRMED"
    assert "2027" in refused.value.message


def test_a_maturity_that_rolls_into_an_unconfirmed_year_is_refused():
    calendar = WorkingCalendar({2026: YearCalendar(2026, frozenset({date(2026, 12, 31)}), frozenset())})
    with pytest.raises(CalendarError) as refused:
        calendar.effective_maturity(date(2026, 12, 31))
    assert "2027" in refused.value.message


@pytest.mark.parametrize(
    ("instant", "code"),
    [
        (datetime(2026, 2, 28, 1, 0, tzinfo=UTC), None),
        (datetime(2026, 2, 28, 8, 59, 59, 999_999, tzinfo=UTC), None),
        (datetime(2026, 2, 28, 0, 59, 59, tzinfo=UTC), "OUT_OF_SERVICE_HOURS"),
        (datetime(2026, 2, 28, 9, 0, tzinfo=UTC), "OUT_OF_SERVICE_HOURS"),
        (datetime(2026, 2, 16, 2, 0, tzinfo=UTC), "NOT_A_WORKING_DAY"),
        (datetime(2026, 2, 27, 17, 0, tzinfo=UTC), "OUT_OF_SERVICE_HOURS"),
        (datetime(2026, 2, 13, 16, 30, tzinfo=UTC), "OUT_OF_SERVICE_HOURS"),
    ],
)
def test_service_hours_are_nine_to_five_shanghai_time_on_legal_working_days(instant, code):
    if code is None:
        CALENDAR.require_service_hours(instant)
        assert CALENDAR.is_working_day(CALENDAR.shanghai_date(instant))
        return
    assert refusal(CALENDAR.require_service_hours, instant) == (code, None)


def test_the_shanghai_day_begins_at_16_o_clock_utc():
    assert CALENDAR.shanghai_date(datetime(2026, 3, 2, 15, 59, 59, tzinfo=UTC)) == date(2026, 3, 2)
    assert CALENDAR.shanghai_date(datetime(2026, 3, 2, 16, 0, tzinfo=UTC)) == date(2026, 3, 3)


def test_a_tenant_with_hours_of_its_own_is_served_in_them_and_the_shared_calendar_keeps_its_own():
    tenant = CALENDAR.with_hours(time(10, 30), time(16, 0))
    half_past_ten = datetime(2026, 3, 2, 2, 30, tzinfo=UTC)
    assert tenant.require_service_hours(half_past_ten) is None
    for closed in (half_past_ten - timedelta(seconds=1), datetime(2026, 3, 2, 8, 0, tzinfo=UTC)):
        assert refusal(tenant.require_service_hours, closed) == ("OUT_OF_SERVICE_HOURS", None)
        assert CALENDAR.require_service_hours(closed) is None


def test_the_refusal_outside_service_hours_tells_the_hours():
    with pytest.raises(CalendarError, match=r"from 10:30 to 16:00 Asia/Shanghai; it is 08:05"):
        CALENDAR.with_hours(time(10, 30), time(16, 0)).require_service_hours(datetime(2026, 3, 2, 0, 5, tzinfo=UTC))


def test_service_of_a_shanghai_day_ends_at_nine_o_clock_utc():
    assert CALENDAR.closes_at(datetime(2026, 3, 1, 16, 0, tzinfo=UTC)) == datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    assert CALENDAR.closes_at(datetime(2026, 3, 2, 15, 59, tzinfo=UTC)) == datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    assert CALENDAR.closes_at(datetime(2026, 3, 2, 3, 0, tzinfo=UTC)).tzinfo is UTC


@pytest.mark.parametrize(
    ("since", "until", "hours"),
    [
        ("2026-03-02T10:00", "2026-03-02T12:30", 2.5),
        ("2026-03-02T07:00", "2026-03-02T10:00", 1),
        ("2026-03-02T16:00", "2026-03-02T23:00", 1),
        ("2026-03-02T18:00", "2026-03-03T08:00", 0),
        ("2026-02-13T16:00", "2026-02-24T10:00", 10),  # nine days off, the 14th worked
        ("2026-03-02T12:00", "2026-03-02T11:00", 0),
        ("2026-03-03T12:00", "2026-03-02T11:00", 0),
    ],
)
def test_service_time_is_what_two_instants_have_of_the_hours_of_working_days(since, until, hours):
    ends = [datetime.fromisoformat(f"{one}:00+08:00") for one in (since, until)]
    assert CALENDAR.service_time(*ends) == timedelta(hours=hours)


def test_service_time_of_a_year_that_is_not_confirmed_is_not_guessed():
    unknown = datetime(2050, 3, 1, tzinfo=UTC)
    assert refusal(CALENDAR.service_time, unknown, unknown)[0] == "CALENDAR_UNCONFIRMED"


def test_a_stored_year_makes_its_days_known_and_leaves_the_others_as_they_are():
    calendar = CALENDAR.with_hours(time(8, 0), time(9, 0)).with_years({2027: parse_calendar_year(YEAR)})
    assert not calendar.is_working_day(date(2027, 2, 8))
    assert calendar.is_working_day(date(2027, 2, 20))
    assert not calendar.is_working_day(date(2026, 10, 1))
    assert calendar.closes_at(datetime(2027, 2, 20, tzinfo=UTC)) == datetime(2027, 2, 20, 1, 0, tzinfo=UTC)
    assert calendar.require_service_hours(datetime(2027, 2, 20, 0, 30, tzinfo=UTC)) is None
    assert refusal(CALENDAR.is_working_day, date(2027, 2, 8)) == ("CALENDAR_UNCONFIRMED", None)


def test_a_stored_year_overrides_the_shipped_one():
    stored = YearCalendar(2026, frozenset({date(2026, 3, 3)}), frozenset())
    calendar = CALENDAR.with_years({2026: stored})
    assert not calendar.is_working_day(date(2026, 3, 3))
    assert calendar.is_working_day(date(2026, 10, 1))


def test_a_stored_year_reads_back_as_the_same_document():
    year = parse_calendar_year(YEAR)
    off = frozenset(map(date.fromisoformat, YEAR["off_weekdays"]))
    assert year == YearCalendar(2027, off, frozenset({date(2027, 2, 20)}))
    assert to_document(year, YEAR["source_url"], YEAR["sha256"]) == YEAR


def test_who_confirmed_a_stored_year_may_stand_beside_it():
    signed = {**YEAR, "version": 2, "proposed_by": "maker", "approved_by": "checker", "approved_at": "2026-11-20"}
    assert parse_calendar_year(signed) == parse_calendar_year(YEAR)


@pytest.mark.parametrize(
    ("part", "value", "field"),
    [
        ("year", "2027", "year"),
        ("year", None, "year"),
        ("year", True, "year"),
        ("year", 2028, "off_weekdays"),
        ("off_weekdays", [], "off_weekdays"),
        ("off_weekdays", YEAR["off_weekdays"][1:], "off_weekdays"),
        ("off_weekdays", [*YEAR["off_weekdays"][1:], "2027-02-08"], "off_weekdays"),
        ("off_weekdays", None, "off_weekdays"),
        ("off_weekdays", "2027-01-01", "off_weekdays"),
        ("off_weekdays", ["2027-01-01", "2027-02-30"], "off_weekdays.1"),
        ("off_weekdays", ["20270101"], "off_weekdays.0"),
        ("off_weekdays", [20270101], "off_weekdays.0"),
        ("off_weekdays", ["2027-01-02"], "off_weekdays"),
        ("off_weekdays", ["2026-12-31"], "off_weekdays"),
        ("working_weekends", None, "working_weekends"),
        ("working_weekends", ["2027-13-01"], "working_weekends.0"),
        ("working_weekends", ["2027-02-19"], "working_weekends"),
        ("working_weekends", ["2028-01-01"], "working_weekends"),
    ],
)
def test_a_year_whose_days_cannot_be_right_is_refused(part, value, field):
    assert refusal(parse_calendar_year, {**YEAR, part: value}) == ("CALENDAR_DAYS", field)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("source_url", None),
        ("source_url", ""),
        ("source_url", "http://notices.example/2027"),
        ("source_url", "https:///2027"),
        ("source_url", "https://notices.example/a b"),
        ("source_url", 5),
        ("sha256", None),
        ("sha256", "0" * 63),
        ("sha256", "0" * 65),
        ("sha256", "g" * 64),
        ("sha256", 5),
    ],
)
def test_a_year_needs_the_notice_that_it_was_taken_from(part, value):
    assert refusal(parse_calendar_year, {**YEAR, part: value}) == ("CALENDAR_SOURCE", part)
    given_source = {**YEAR, part: value}
    year = parse_calendar_year(YEAR)
    assert refusal(to_document, year, given_source["source_url"], given_source["sha256"]) == ("CALENDAR_SOURCE", part)


@pytest.mark.parametrize("address", ["https://notices.example", "https://notices.example/"])
def test_the_notice_may_be_a_site_of_its_own(address):
    assert parse_calendar_year({**YEAR, "source_url": address}).year == 2027


def test_days_are_taken_from_any_iterable_and_worked_sundays_count_as_weekends():
    days = (*(date(2027, month, 1) for month in (1, 2, 3, 4, 6, 7, 9)), date(2027, 12, 31))
    year = YearCalendar.of_notice(2027, iter(days), iter([date(2027, 10, 10)]))
    assert year == YearCalendar(2027, frozenset(days), frozenset({date(2027, 10, 10)}))


@pytest.mark.parametrize(
    ("document", "hours"),
    [
        ({"opens": "09:00", "closes": "17:00"}, ServiceHours()),
        ({"opens": "00:00", "closes": "23:59"}, ServiceHours(time(0, 0), time(23, 59))),
        ({"opens": "08:30", "closes": "08:31"}, ServiceHours(time(8, 30), time(8, 31))),
        ({"opens": "19:05", "closes": "20:10"}, ServiceHours(time(19, 5), time(20, 10))),
    ],
)
def test_service_hours_are_read_from_their_document(document, hours):
    assert ServiceHours.parse(document) == hours


def test_service_hours_are_nine_to_five_unless_set():
    assert (ServiceHours().opens, ServiceHours().closes) == (time(9, 0), time(17, 0))


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"opens": "17:00", "closes": "09:00"}, "service_hours"),
        ({"opens": "09:00", "closes": "09:00"}, "service_hours"),
        ({"opens": "09:00"}, "service_hours"),
        ({"opens": "09:00", "closes": "17:00", "lunch": "12:00"}, "service_hours"),
        (["09:00", "17:00"], "service_hours"),
        (None, "service_hours"),
        ({"opens": "9:00", "closes": "17:00"}, "service_hours.opens"),
        ({"opens": "24:00", "closes": "17:00"}, "service_hours.opens"),
        ({"opens": 9, "closes": "17:00"}, "service_hours.opens"),
        ({"opens": "09:00", "closes": "17:60"}, "service_hours.closes"),
        ({"opens": "09:00", "closes": "17:00:00"}, "service_hours.closes"),
        ({"opens": "09:00", "closes": None}, "service_hours.closes"),
    ],
)
def test_service_hours_that_are_malformed_or_upside_down_are_refused(document, field):
    assert refusal(ServiceHours.parse, document) == ("SERVICE_HOURS", field)


def test_a_calendar_cannot_be_given_hours_that_are_upside_down():
    assert refusal(CALENDAR.with_hours, time(17, 0), time(9, 0)) == ("SERVICE_HOURS", "service_hours")


def message(call, *arguments):
    with pytest.raises(CalendarError) as refused:
        call(*arguments)
    return refused.value.message


@pytest.mark.parametrize(
    ("part", "value", "says"),
    [
        ("year", "2027", "year is a whole number like 2027."),
        ("off_weekdays", None, "off_weekdays is a list of dates."),
        ("off_weekdays", ["27-1-1"], "'27-1-1' is no date; write it like 2027-01-01."),
        ("off_weekdays", ["2026-12-31"], "2026-12-31 is no day of 2027; take it out."),
        ("off_weekdays", ["2027-01-02"], "2027-01-02 is a weekend and off anyway; list weekdays only."),
        (
            "off_weekdays",
            YEAR["off_weekdays"][1:],
            "A year has at least 8 statutory weekdays off, and 7 are listed; list all of the notice's.",
        ),
        ("working_weekends", ["2027-02-19"], "2027-02-19 is a weekday and worked anyway; list weekends only."),
        ("source_url", None, "Give the https address of the published notice."),
        ("sha256", None, "Give the SHA-256 of the published notice, 64 hexadecimal digits."),
    ],
)
def test_a_year_that_is_refused_says_what_to_change(part, value, says):
    assert message(parse_calendar_year, {**YEAR, part: value}) == says


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({}, 'Service hours look like {"opens": "09:00", "closes": "17:00"}.'),
        ({"opens": "9:00", "closes": "17:00"}, "'9:00' is no time of day; write it like 09:00."),
        ({"opens": "17:00", "closes": "09:00"}, "Service hours open before they close, on the same day."),
    ],
)
def test_service_hours_that_are_refused_say_how_to_write_them(document, says):
    assert message(ServiceHours.parse, document) == says


def test_the_refusals_of_a_day_say_what_to_do():
    assert message(CALENDAR.is_working_day, date(2027, 1, 2)) == (
        "The working-day calendar of 2027 is not confirmed (没有下一工作日了，请维护节假日！); import that year first."
    )
    assert message(CALENDAR.require_service_hours, datetime(2026, 2, 16, 2, 0, tzinfo=UTC)) == (
        "2026-02-16 is no legal working day; send the request on the next one."
    )
