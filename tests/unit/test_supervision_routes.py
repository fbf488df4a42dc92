"""A supervisor's routes as API Gateway calls them."""

import pytest

from access_fakes import load_app
from api_calls import call
from in_memory import PARTNER, Platform, sample_bills
from rongtong.domain.receipt import receipt_bytes
from rongtong.entrypoints import answers, answers_supervision, bootstrap
from rongtong.services.receipts import receipt
from rongtong.services.sweep import sweep

GOOD = next(bill for bill in sample_bills() if bill.bill and not bill.quote and bill.expected == "disbursed")
APP = load_app("supervision").app
SUPERVISOR = {"role": "supervisor", "partner": "sample-supervisor"}


@pytest.fixture
def platform(monkeypatch):
    made = Platform((PARTNER, "sample-supervisor"))
    monkeypatch.setattr(bootstrap, "context", lambda: made.context)
    return made


@pytest.fixture
def paid(platform):
    discount_id = platform.accept(GOOD)
    platform.run(discount_id)
    sweep(platform.context)  # and with it the newest head is cosigned
    return discount_id


def get(route, query=None, **parameters):
    return call(APP, "GET", route, query=query, **SUPERVISOR, **parameters)


def test_events_are_followed_page_by_page(platform, paid):
    found, query = [], {"limit": "2"}
    while True:
        answer = get("/v1/supervision/events", query)
        page = answers_supervision.SupervisedEvents.model_validate_json(answer.text, strict=True)
        found += [one.event.type for one in page.events if one.event.subject == paid]
        if not page.more:
            break
        query = {"limit": "2", "after": str(page.after)}
    assert found == [f"com.rongtong.discount.{name}.v1" for name in ("requested", "verified", "sealed", "paid")]


@pytest.mark.parametrize(
    "query", [{"after": "-1"}, {"after": "1.0"}, {"after": "1" * 13}, {"limit": "101"}, {"limit": "0"}, {"cursor": "x"}]
)
def test_a_query_that_is_none_of_the_feed_s_is_refused(platform, query):
    assert (get("/v1/supervision/events", query).status, get("/v1/supervision/events", query).body["code"]) == (
        422,
        "INVALID_BODY",
    )


def test_a_discount_of_any_partner_is_shown_as_its_partner_sees_it(platform, paid):
    answer = get("/v1/supervision/discounts/{discount_id}", discount_id=paid)
    assert (answer.status, answer.body["status"]) == (200, "DISBURSED")
    answers.Discount.model_validate_json(answer.text, strict=True)


def test_the_receipt_has_the_bytes_that_its_partner_is_given(platform, paid):
    answer = get("/v1/supervision/discounts/{discount_id}/receipt", discount_id=paid)
    assert answer.text == receipt_bytes(receipt(platform.context, platform.discount(paid))).decode()


def test_a_discount_that_there_is_not_is_not_found(platform):
    answer = get("/v1/supervision/discounts/{discount_id}", discount_id="dsc_" + "a" * 26)
    assert (answer.status, answer.body["code"]) == (404, "NOT_FOUND")


def test_figures_are_of_the_institutions_of_the_supervisor_s_record(platform, paid):
    item = platform.context.store.get("partner#sample-supervisor", "state")
    funded_by = platform.body(paid)["institution_id"]
    platform.context.store.transact([item.replaced({**item.body, "institutions": [funded_by]})])
    answer = get("/v1/supervision/figures", {"day": "2026-04-15"})
    made = answers_supervision.SupervisedFigures.model_validate_json(answer.text, strict=True)
    ((row, *others),) = [made.figures]
    assert (row.institution_id, row.count, row.paid.count, others) == (funded_by, 1, 1, [])


def test_figures_without_a_day_are_refused(platform):
    assert get("/v1/supervision/figures").body["field"] == "day"
