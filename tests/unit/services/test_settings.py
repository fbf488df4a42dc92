"""What operations configured, as the use cases read it."""

from datetime import UTC, date, datetime, time

import pytest

from rongtong.adapters.calendars import legal_calendar
from rongtong.domain.errors import CalendarError
from rongtong.domain.policy import Policy
from rongtong.services.errors import InstitutionUnknownError
from rongtong.services.settings import calendar_of, policy_of, require_agreed
from rongtong.services.storage import Item

NINE = datetime(2027, 1, 4, 1, 15, tzinfo=UTC)
YEAR = {
    "year": 2027,
    "off_weekdays": ["2027-01-01", *[f"2027-05-{day:02d}" for day in (3, 4, 5, 6, 7, 10, 11)]],
    "working_weekends": [],
    "source_url": "https://www.example.org/notice",
    "sha256": "0" * 64,
}


def _item(body):
    return Item("platform", "policy", body, 1)


def test_without_a_record_or_with_an_empty_one_the_defaults_hold():
    assert policy_of(None) == policy_of(_item({})) == Policy()


def test_a_tenant_s_policy_stands_on_top_of_the_platform_s():
    platform, tenant = _item({"tenor_months": 5, "quote_minutes": 10}), _item({"quote_minutes": 20})
    found = policy_of(platform, tenant)
    assert (found.tenor_months, found.quote_minutes) == (5, 20)


def test_a_confirmed_year_is_known_and_the_tenant_s_hours_hold():
    policy = policy_of(_item({"service_hours": {"opens": "09:15", "closes": "10:00"}}))
    calendar = calendar_of(legal_calendar(), [None, _item(YEAR)], policy)
    calendar.require_service_hours(NINE)
    assert not calendar.is_working_day(date(2027, 1, 1))
    with pytest.raises(CalendarError) as refused:
        calendar.require_service_hours(NINE.replace(minute=14))
    assert refused.value.code == "OUT_OF_SERVICE_HOURS"
    assert policy.hours.opens == time(9, 15)


def test_an_unconfirmed_year_is_refused_by_name():
    with pytest.raises(CalendarError, match="2027") as refused:
        calendar_of(legal_calendar(), [None], Policy()).require_service_hours(NINE)
    assert refused.value.code == "CALENDAR_UNCONFIRMED"


def test_a_partner_asks_only_the_institutions_that_its_record_names():
    require_agreed(_item({}), "bank-1")
    require_agreed(_item({"institutions": ["bank-1"]}), "bank-1")
    with pytest.raises(InstitutionUnknownError):
        require_agreed(_item({"institutions": ["bank-2"]}), "bank-1")
