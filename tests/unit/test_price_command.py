"""The command line that prices a discount."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from rongtong.adapters.calendars import legal_calendar
from rongtong.price import main

VECTORS = json.loads((Path(__file__).parents[1] / "vectors.json").read_text(encoding="utf-8"))
TERMS = {
    "--face": "1000000.00",
    "--rate": "2.0",
    "--discount-date": "2026-03-02",
    "--maturity": "2026-05-31",
}


def run(capsys, *more, **terms):
    given = {**TERMS, **{f"--{name.replace('_', '-')}": value for name, value in terms.items()}}
    status = main([*(f"{name}={value}" for name, value in given.items()), *more])
    return status, capsys.readouterr().out


def answer(capsys, *more, **terms):
    status, printed = run(capsys, "--json", *more, **terms)
    assert status == 0
    return json.loads(printed)


def refusal(capsys, *more, **terms):
    status, printed = run(capsys, "--json", *more, **terms)
    assert status == 1
    found = json.loads(printed)
    assert set(found) == {"refused", "field", "message"}
    return found["refused"], found["field"]


def test_the_answer_has_every_part_of_the_price_in_yuan_and_fen(capsys):
    assert answer(capsys) == {
        "face": "1000000.00",
        "amount": "1000000.00",
        "rate": "2.0",
        "rate_type": "annual",
        "discount_date": "2026-03-02",
        "maturity": "2026-05-31",
        "effective_maturity": "2026-06-01",
        "days": 91,
        "interest": "5055.56",
        "proceeds": "994944.44",
        "fee": "0.00",
        "seller_interest": "5055.56",
        "buyer_interest": "0.00",
        "interest_fen": 505556,
        "proceeds_fen": 99494444,
    }


@pytest.mark.parametrize("vector", VECTORS["discount"], ids=lambda vector: vector["id"])
def test_derived_examples(capsys, vector):
    found = answer(
        capsys,
        face=vector["face"],
        rate=vector["rate_pct"],
        discount_date=vector["discount"],
        maturity=vector["maturity"],
    )
    assert (found["effective_maturity"], found["days"]) == (vector["effective"], vector["days"])
    assert (found["interest"], found["proceeds"]) == (vector["interest"], vector["proceeds"])


@pytest.mark.parametrize("vector", VECTORS["published"], ids=lambda vector: vector["id"])
def test_published_examples(capsys, vector):
    found = answer(
        capsys, face=vector["face"], rate=vector["rate_pct"], discount_date="2026-03-03", maturity="2026-06-01"
    )
    assert found["days"] == vector["days"]
    assert (found["interest"], found["proceeds"]) == (vector["interest"], vector["proceeds"])


@pytest.mark.parametrize("day", VECTORS["working_weekends"]["2026"])
def test_a_maturity_on_a_worked_weekend_stays(capsys, day):
    before = date.fromisoformat(day) - timedelta(days=1)
    while not legal_calendar().is_working_day(before):
        before -= timedelta(days=1)
    assert answer(capsys, maturity=day, discount_date=before.isoformat())["effective_maturity"] == day


def test_the_text_shows_the_price_in_aligned_lines_and_the_formula(capsys):
    status, printed = run(capsys)
    assert status == 0
    assert printed.splitlines() == [
        "Face                  1000000.00 yuan",
        "Rate                  2.0 % a year",
        "Discount date         2026-03-02",
        "Maturity              2026-05-31",
        "Effective maturity    2026-06-01, the next legal working day",
        "Days                  91",
        "Interest              5055.56 yuan",
        "Proceeds              994944.44 yuan",
        "",
        "interest = 1000000.00 × 2.0 × 91 / 36000 = 5055.56",
        "proceeds = 1000000.00 − 5055.56 = 994944.44",
    ]


def test_the_text_names_range_shares_fee_and_added_days_where_there_are_any(capsys):
    status, printed = run(
        capsys,
        "--paper",
        "--other-city",
        range="101-12200",
        fee="10",
        buyer_share="30",
        rate="1.5",
        rate_type="monthly",
    )
    assert status == 0
    assert printed.splitlines() == [
        "Face                  1000000.00 yuan",
        "Range                 101-12200, 121.00 yuan",
        "Rate                  1.5 ‰ a month",
        "Discount date         2026-03-02",
        "Maturity              2026-05-31",
        "Effective maturity    2026-06-01, the next legal working day",
        "Days                  94, of them 3 added",
        "Interest              0.57 yuan",
        "  paid by the buyer   0.17 yuan",
        "  paid by the seller  0.40 yuan",
        "Fee                   10.00 yuan",
        "Proceeds              110.60 yuan",
        "",
        "interest = 121.00 × 1.5 × 94 / 30000 = 0.57",
        "proceeds = 121.00 − 0.40 − 10.00 = 110.60",
    ]


def test_the_text_names_the_unit_of_a_daily_rate(capsys):
    printed = run(capsys, rate="1", rate_type="daily")[1]
    assert "Rate                  1 ‱ a day\n" in printed
    assert "interest = 1000000.00 × 1 × 91 / 10000 = 9100.00\n" in printed


def test_the_text_of_a_maturity_that_stays_says_nothing_of_working_days(capsys):
    assert "Effective maturity    2026-06-01\n" in run(capsys, maturity="2026-06-01")[1]


def test_a_paper_bill_of_another_city_counts_three_days_more(capsys):
    found = answer(capsys, "--paper", "--other-city", discount_date="2026-03-03", maturity="2026-06-01")
    assert (found["days"], found["interest"], found["proceeds"]) == (93, "5166.67", "994833.33")


@pytest.mark.parametrize(
    ("more", "effective", "days"),
    [
        ([], "2026-06-01", 91),
        (["--no-roll"], "2026-05-31", 90),
        (["--extra-days=2"], "2026-06-01", 93),
        (["--no-roll", "--extra-days=2"], "2026-05-31", 92),
        (["--paper"], "2026-06-01", 91),
        (["--paper", "--no-roll"], "2026-05-31", 90),
        (["--paper", "--other-city"], "2026-06-01", 94),
        (["--paper", "--other-city", "--no-roll"], "2026-05-31", 93),
        (["--paper", "--other-city", "--extra-days=1"], "2026-06-01", 95),
    ],
)
def test_the_days_are_those_of_the_kind_of_bill_and_the_delay(capsys, more, effective, days):
    found = answer(capsys, *more)
    assert (found["effective_maturity"], found["days"]) == (effective, days)


@pytest.mark.parametrize(
    ("rate_type", "rate", "interest"),
    [("annual", "1.2", "3000.00"), ("monthly", "1", "3000.00"), ("daily", "1", "9000.00")],
)
def test_a_rate_is_read_in_the_unit_of_its_type(capsys, rate_type, rate, interest):
    found = answer(capsys, rate_type=rate_type, rate=rate, discount_date="2026-03-03", maturity="2026-06-01")
    assert (found["interest"], found["rate_type"], found["rate"]) == (interest, rate_type, rate)


def test_fee_and_buyers_share_are_taken_apart_from_the_interest(capsys):
    found = answer(capsys, fee="12.34", buyer_share="25")
    assert (found["fee"], found["interest"]) == ("12.34", "5055.56")
    assert (found["buyer_interest"], found["seller_interest"]) == ("1263.89", "3791.67")
    assert (found["proceeds"], found["proceeds_fen"]) == ("996195.99", 99_619_599)


@pytest.mark.parametrize("face", ["121.00", "122.00", "1000000.00"])
def test_a_range_earns_interest_on_its_own_amount_whether_the_face_is_its_own_or_the_packages(capsys, face):
    found = answer(capsys, range="101-12200", face=face)
    assert (found["face"], found["amount"], found["range"]) == (face, "121.00", "101-12200")
    assert (found["interest"], found["proceeds"], found["interest_fen"]) == ("0.61", "120.39", 61)


def test_a_range_may_be_written_padded(capsys):
    assert answer(capsys, range="000000000001-000000123456")["amount"] == "1234.56"


@pytest.mark.parametrize("text", ["0", "0-0"])
def test_the_whole_package_is_all_of_the_face(capsys, text):
    found = answer(capsys, range=text)
    assert (found["face"], found["amount"], found["range"]) == ("1000000.00", "1000000.00", "0")
    assert found["interest"] == "5055.56"
    assert "Range                 the whole package, 1000000.00 yuan\n" in run(capsys, range=text)[1]


def test_a_range_may_end_with_the_largest_package(capsys):
    assert answer(capsys, range="1-100000000000", face="1000000000.00")["amount"] == "1000000000.00"
    assert answer(capsys, range="0", face="1000000000.00")["amount"] == "1000000000.00"


@pytest.mark.parametrize(
    ("text", "face"),
    [
        ("1-100000000001", "1000000000.01"),
        ("0", "1000000000.01"),
        ("100000000001-100000000001", "0.01"),
        ("1-100000000001", "1.00"),
    ],
)
def test_a_range_beyond_the_largest_package_is_refused(capsys, text, face):
    assert refusal(capsys, range=text, face=face) == ("RANGE_ABOVE_CEILING", "bill.range")


@pytest.mark.parametrize("face", ["121.99", "120.99", "0.01"])
def test_a_range_beyond_the_package_is_refused(capsys, face):
    assert refusal(capsys, range="101-12200", face=face) == ("RANGE_OUTSIDE_HOLDING", "bill.range")


@pytest.mark.parametrize(
    ("terms", "refused"),
    [
        ({"face": "0"}, ("FACE_INVALID", "face_fen")),
        ({"face": "-1"}, ("FACE_INVALID", "face_fen")),
        ({"face": "007.5"}, ("FACE_INVALID", "face_fen")),
        ({"face": "1.001"}, ("FACE_INVALID", "face_fen")),
        ({"face": "1,000"}, ("FACE_INVALID", "face_fen")),
        ({"rate": "0"}, ("RATE_INVALID", "annual_rate")),
        ({"rate": "24.000001"}, ("RATE_INVALID", "annual_rate")),
        ({"rate": "1.2345678"}, ("RATE_INVALID", "annual_rate")),
        ({"rate": "-2.0"}, ("RATE_INVALID", "annual_rate")),
        ({"rate": "two"}, ("RATE_INVALID", "annual_rate")),
        ({"rate": "1e0"}, ("RATE_INVALID", "annual_rate")),
        ({"rate": "20.000001", "rate_type": "monthly"}, ("RATE_INVALID", "annual_rate")),
        ({"fee": "-1"}, ("FEE_INVALID", "fee")),
        ({"fee": "1000000.00"}, ("PROCEEDS_NOT_POSITIVE", "face_fen")),
        ({"buyer_share": "101"}, ("BUYER_SHARE_INVALID", "interest.buyer_share_percent")),
        ({"buyer_share": "half"}, ("BUYER_SHARE_INVALID", "interest.buyer_share_percent")),
        ({"discount_date": "2026-02-30"}, ("DATE_INVALID", "discount_date")),
        ({"discount_date": "20260302"}, ("DATE_INVALID", "discount_date")),
        ({"maturity": "tomorrow"}, ("DATE_INVALID", "maturity_date")),
        ({"maturity": "2026-03-02"}, ("MATURITY_NOT_AFTER_DISCOUNT", "maturity_date")),
        ({"discount_date": "2026-03-01"}, ("NOT_A_WORKING_DAY", "discount_date")),
        ({"maturity": "2027-01-04"}, ("CALENDAR_UNCONFIRMED", None)),
        ({"extra_days": "-1"}, ("DAYS_INVALID", "extra_days")),
        ({"range": "5-1"}, ("RANGE_UPSIDE_DOWN", "bill.range")),
        ({"range": "all"}, ("RANGE_FORMAT", "bill.range")),
    ],
)
def test_terms_that_make_no_price_are_refused_with_their_code(capsys, terms, refused):
    assert refusal(capsys, **terms) == refused


def test_a_refusal_in_text_is_one_line_with_its_code(capsys):
    status, printed = run(capsys, discount_date="2026-02-30")
    assert status == 1
    assert printed == "REFUSED DATE_INVALID: '2026-02-30' is no calendar day; write it like 2026-03-02.\n"


@pytest.mark.parametrize("more", [["--other-city"], ["--rate-type=weekly"], ["--extra-days=many"], ["--unknown"]])
def test_a_wrong_use_of_the_command_ends_with_2(capsys, more):
    with pytest.raises(SystemExit) as ended:
        run(capsys, *more)
    assert ended.value.code == 2
    assert "usage: python -m rongtong.price" in capsys.readouterr().err


@pytest.mark.parametrize("missing", TERMS)
def test_face_rate_and_both_dates_are_required(capsys, missing):
    with pytest.raises(SystemExit) as ended:
        main([f"{name}={value}" for name, value in TERMS.items() if name != missing])
    assert ended.value.code == 2
    assert missing in capsys.readouterr().err
