"""Quotes: every institution's offer, kept until it expires, and discounts that rely on one."""

from datetime import date, timedelta

import pytest

from in_memory import PARTNER, Platform, sample_bills
from rongtong.domain.errors import RongTongError
from rongtong.services.errors import IdempotencyMismatchError, InstitutionUnknownError
from rongtong.services.quotes import AskQuote, ask
from rongtong.services.storage import Create

BILL = next(bill for bill in sample_bills() if bill.quote == "same" and not bill.at)
ASKED = {
    "institution_ids": ("bank-1", "bank-2", "bank-3", "bank-4"),
    "kind": "AC01",
    "acceptor_bank_code": "102100099996",
    "amount_fen": 100_000_000,
    "maturity_date": "2026-09-30",
}


@pytest.fixture
def platform():
    return Platform()


def _ask(platform, key="key-1", digest="d", **changes):
    return ask(platform.context, AskQuote(PARTNER, key, digest, **{**ASKED, **changes}))[0]


def test_offers_come_best_first_with_their_breakdown(platform):
    found = _ask(platform)
    assert [offer["institution_id"] for offer in found["offers"]] == ["bank-3", "bank-1", "bank-2", "bank-4"]
    best = found["offers"][0]
    assert (best["annual_rate"], best["days"], best["interest_fen"]) == ("1.220000", 168, 569_333)
    assert best["proceeds_fen"] == 100_000_000 - 569_333
    assert (best["due_date"], best["rate_version"], best["deduction_per_100k_yuan"]) == ("2026-09-30", 1, "569.33")
    assert found["expires_at"] == "2026-04-15T02:30:00.000Z"


def test_a_fee_is_part_of_the_deduction_and_of_the_ranking(platform):
    last = _ask(platform)["offers"][-1]
    assert (last["fee_fen"], last["proceeds_fen"]) == (100, 100_000_000 - last["interest_fen"] - 100)
    assert last["deduction_per_100k_yuan"] == "597.43"


def test_an_institution_without_a_price_says_why_and_stands_last(platform):
    found = _ask(platform, amount_fen=300_000_001)["offers"]
    assert [(offer["institution_id"], offer["reason"]) for offer in found][-1] == ("bank-4", "LIMIT_EXCEEDED")
    rural = _ask(platform, "key-2", acceptor_bank_code="322290000011")["offers"]
    assert (rural[-1]["institution_id"], rural[-1]["reason"]) == ("bank-4", "NO_RATE")


def test_what_others_have_taken_of_an_institution_s_limit_is_not_to_be_found_out_by_asking(platform):
    assert _ask(platform, institution_ids=("bank-4",))["offers"][0]["reason"] is None
    plain = next(
        bill
        for bill in sample_bills()
        if 210_000_000 < bill.request["bill"]["amount_fen"] < 300_000_000 and not bill.reason
    )
    platform.accept(plain, "key-9", institution_id="bank-4")
    assert _ask(platform, "key-2", institution_ids=("bank-4",))["offers"][0]["reason"] is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"institution_ids": ("bank-9",)}, "INSTITUTION_UNKNOWN"),
        ({"acceptor_bank_code": "104100000004"}, "ACCEPTOR_UNKNOWN"),
        ({"maturity_date": "2026-04-15"}, "MATURITY_NOT_AFTER_DISCOUNT"),
        ({"maturity_date": "2027-04-16"}, "MATURITY_TOO_FAR"),
        ({"maturity_date": "2027-03-01"}, "CALENDAR_UNCONFIRMED"),
    ],
)
def test_what_cannot_be_quoted_is_refused_and_nothing_is_stored(platform, changes, code):
    before = dict(platform.context.store.items)
    with pytest.raises(RongTongError) as refused:
        _ask(platform, **changes)
    assert refused.value.code == code
    assert platform.context.store.items == before


def test_nothing_is_quoted_outside_service_hours(platform):
    platform.context.clock.instant += timedelta(hours=7)
    with pytest.raises(RongTongError) as refused:
        _ask(platform)
    assert refused.value.code == "OUT_OF_SERVICE_HOURS"


def test_a_partner_may_ask_only_whom_it_agreed_with(platform):
    item = platform.context.store.get(f"partner#{PARTNER}", "state")
    platform.context.store.transact([item.replaced({**item.body, "institutions": ["bank-1"]})])
    with pytest.raises(InstitutionUnknownError):
        _ask(platform)
    assert len(_ask(platform, "key-2", institution_ids=("bank-1",))["offers"]) == 1
    with pytest.raises(InstitutionUnknownError):
        platform.accept(next(bill for bill in sample_bills() if bill.request["institution_id"] == "bank-2"))


def test_a_repeat_answers_the_same_quote_and_another_body_under_its_key_is_refused(platform):
    first = _ask(platform)
    platform.context.clock.instant += timedelta(minutes=1)
    assert _ask(platform) == first
    with pytest.raises(IdempotencyMismatchError):
        _ask(platform, digest="other")


def test_the_quoted_rate_holds_though_the_rates_change_meanwhile(platform):
    quote_id = platform.quote(BILL)
    quoted = platform.context.store.get(f"quote#{quote_id}", "state").body["offers"]
    offer = next(offer for offer in quoted if offer["institution_id"] == BILL.request["institution_id"])
    discount_id = platform.accept(BILL, quote_id=quote_id)
    item = platform.context.store.get("institution#" + BILL.request["institution_id"], "state")
    dearer = {**item.body["rate_tables"][0], "version": 2}
    dearer["rows"] = [{**row, "annual_rate": "9.000000"} for row in dearer["rows"]]
    platform.context.store.transact([item.replaced({**item.body, "rate_tables": [*item.body["rate_tables"], dearer]})])
    platform.run(discount_id)
    body = platform.body(discount_id)
    assert (body["status"], body["annual_rate"]) == ("DISBURSED", offer["annual_rate"])
    assert body["proceeds_fen"] == offer["proceeds_fen"]


def test_the_quoted_fee_holds_too(platform):
    quote_id = platform.quote(BILL)
    discount_id = platform.accept(BILL, quote_id=quote_id)
    item = platform.context.store.get("institution#" + BILL.request["institution_id"], "state")
    platform.context.store.transact([item.replaced({**item.body, "fee": {"flat_fen": 1_000_000}})])
    platform.run(discount_id)
    assert "fee_fen" not in platform.body(discount_id)


def test_a_redemption_is_quoted_but_not_discounted(platform):
    last_day = date.fromisoformat(BILL.request["bill"]["maturity_date"]) - timedelta(days=1)
    terms = {"open_date": "2026-04-20", "close_date": last_day.isoformat(), "annual_rate": "1.500000"}
    asked = {**BILL.quote_request, "institution_ids": ("bank-3",), "repurchase": terms}
    command = AskQuote(PARTNER, "key-1", "d", **asked)
    quoted = ask(platform.context, command)[0]
    offer = quoted["offers"][0]
    assert offer["redemption_open_fen"] < offer["redemption_close_fen"] < asked["amount_fen"]
    with pytest.raises(RongTongError) as refused:
        platform.accept(BILL, quote_id=quoted["quote_id"], institution_id="bank-3")
    assert refused.value.code == "QUOTE_MISMATCH"


def test_a_maturity_that_rolls_into_the_next_year_needs_that_year_too(platform):
    days = [f"2027-01-{day:02d}" for day in (1, 4, 5, 6, 7, 8, 11, 12)]
    year = {"year": 2027, "off_weekdays": days, "working_weekends": []}
    source = {"source_url": "https://www.example.org/notice", "sha256": "0" * 64}
    platform.context.store.transact([Create("platform", "calendar#2027", {**year, **source})])
    off = {"year": 2026, "off_weekdays": [f"2026-12-{day:02d}" for day in range(21, 32) if day not in (26, 27)]}
    platform.context.store.transact([Create("platform", "calendar#2026", {**off, "working_weekends": [], **source})])
    platform.context.clock.instant += timedelta(days=183)
    found = _ask(platform, maturity_date="2026-12-31")["offers"][0]
    assert found["due_date"] == "2027-01-13"


def test_a_quote_holds_until_its_last_moment_and_no_longer(platform):
    quote_id = platform.quote(BILL)
    platform.context.clock.instant += timedelta(minutes=29, seconds=59)
    platform.accept(BILL, quote_id=quote_id)
    other = Platform()
    quote_id = other.quote(BILL)
    other.context.clock.instant += timedelta(minutes=30)
    with pytest.raises(RongTongError) as refused:
        other.accept(BILL, quote_id=quote_id)
    assert (refused.value.code, refused.value.field) == ("QUOTE_EXPIRED", "quote_id")


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"partner_id": "partner-b"}, "ENTERPRISE_UNKNOWN", "enterprise_id"),
        ({"institution_id": "bank-4"}, "QUOTE_MISMATCH", "institution_id"),
        ({"maturity_date": "2026-09-01"}, "QUOTE_MISMATCH", "quote_id"),
        ({"acceptor_bank_code": "105100000017"}, "QUOTE_MISMATCH", "quote_id"),
        ({"kind": "AC02"}, "KIND_MISMATCH", "bill.kind"),
        ({"interest": {"payer": "seller"}}, "QUOTE_MISMATCH", "quote_id"),
    ],
)
def test_a_quote_for_other_terms_is_no_use(platform, changes, code, field):
    quote_id = platform.quote(BILL)
    with pytest.raises(RongTongError) as refused:
        platform.accept(BILL, quote_id=quote_id, **changes)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_a_bill_whose_acceptor_is_of_another_class_is_refused_not_repriced(platform):
    quote_id = platform.quote(BILL)
    BILL.bill["acceptor"]["class"] = "foreign" if BILL.bill["acceptor"]["class"] != "foreign" else "city"
    assert platform.outcome(BILL, "key-1", quote_id=quote_id) == ("refused", "QUOTE_MISMATCH")
