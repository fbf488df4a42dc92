"""What the services answer is what the description says: field by field, through every end that a sample bill finds."""

import json

import pytest

from fakes import OPEN
from in_memory import PARTNER, Platform, sample_bills
from rongtong.domain.errors import RongTongError
from rongtong.domain.incident import IncidentKind, IncidentStatus
from rongtong.entrypoints import answers, answers_operations
from rongtong.entrypoints.http import problem
from rongtong.services import (
    accounts,
    bank_notices,
    changes,
    discounts,
    executions,
    incidents,
    lists,
    quotes,
    receipts,
    reconcile,
    registration,
    replay,
    suspension,
    waiting,
)
from rongtong.services.errors import NotFoundError
from rongtong.services.ports import PaymentAnswer, PaymentStatus
from rongtong.services.suspension import SuspensionScope


def fits(model, document):
    """The document as JSON has the model's fields and no others; ids, dates and codes are of their form."""
    return model.model_validate_json(json.dumps(document), strict=True)


@pytest.fixture(scope="module")
def platform():
    """Every sample bill, brought to its end."""
    made = Platform((PARTNER, "operations"))
    made.outcomes(sample_bills())
    made.context.clock.instant = OPEN
    return made


@pytest.fixture
def states(platform):
    return platform.context.store.states("discount#")


def test_every_discount_fits_whatever_became_of_it(states):
    seen = {fits(answers.Discount, discounts.view(item.body)).status for item in states}
    assert seen >= {"DISBURSED", "REFUSED", "FAILED", "IN_REVIEW"}


def test_every_timeline_fits(platform, states):
    for item in states:
        events = discounts.timeline(platform.context, item)
        fits(answers.Timeline, {"discount_id": item.body["discount_id"], "events": events})


def test_a_receipt_fits(platform, states):
    paid = next(item for item in states if item.body["status"] == "DISBURSED")
    fits(answers.Receipt, receipts.receipt(platform.context, paid))


def test_every_quote_fits(platform):
    found = platform.context.store.states("quote#")
    assert found
    for item in found:
        fits(answers.Quote, quotes.view(item.body))


def test_every_enterprise_fits(platform):
    found = platform.context.store.states("enterprise#")
    seen = {fits(answers.Enterprise, registration.shown(platform.context, item)).status for item in found}
    assert "ACTIVE" in seen


@pytest.mark.parametrize(
    ("read", "model"),
    [
        (lists.discounts, answers.DiscountList),
        (lists.enterprises, answers.EnterpriseList),
        (lists.quotes, answers.QuoteList),
    ],
)
def test_lists_fit_without_fields_being_named(platform, read, model):
    fits(model, read(platform.context, lists.Asked(limit=3), partner_id=PARTNER))


def test_a_review_s_file_fits(platform, states):
    waits = next(item for item in states if item.body["status"] == "IN_REVIEW")
    fits(answers_operations.ReviewFile, waiting.review_file(platform.context, waits))


def test_the_status_fits_while_something_is_suspended():
    made = Platform()
    fits(answers.Status, suspension.status(made.context, PARTNER))
    told = suspension.suspend(made.context, "op-1", "k", SuspensionScope.INSTITUTION, "bank-1", "DRILL")
    fits(answers_operations.Suspension, told)
    status = fits(answers.Status, suspension.status(made.context, PARTNER))
    assert status.institutions == {"bank-1": "suspended"}
    fits(answers_operations.SuspensionList, {"suspensions": suspension.newest(made.context)})


def test_a_change_fits_before_and_after_its_decision_and_a_release_too():
    made = Platform()
    suspension.suspend(made.context, "op-1", "k", SuspensionScope.PLATFORM, None, "DRILL")
    content = {"scope": "platform", "reason": "DRILL_OVER"}
    change = fits(answers_operations.Change, changes.propose(made.context, "op-1", "k", "release", content))
    changes.decide(made.context, "op-2", change.change_id, approve=True)
    fits(answers_operations.Change, changes.find(made.context, change.change_id))
    fits(answers_operations.ChangeList, {"changes": changes.newest(made.context)})
    record = made.context.store.get("suspended#platform", "state")
    assert fits(answers_operations.Suspension, record.body).entries[-1].approved_by == "op-2"


def test_incidents_fit_open_and_resolved():
    made = Platform()
    incidents.open_once(made.context, IncidentKind.STUCK, "dsc_1", "dsc_1", {})
    listed = fits(answers_operations.IncidentList, incidents.newest(made.context, IncidentStatus.OPEN))
    resolved = incidents.resolve(made.context, "op-1", listed.incidents[0].incident_id, "SEEN")
    assert fits(answers_operations.Incident, resolved).resolved_by == "op-1"


def test_a_reconciliation_fits(platform):
    found = reconcile.reconcile(platform.context, platform.context.calendar.shanghai_date(OPEN))
    assert fits(answers_operations.Reconciliation, found).books_fen


def test_executions_and_replays_fit():
    made = Platform()
    discount_id = made.accept(sample_bills()[2])
    fits(answers_operations.Replayed, replay.replay(made.context, "op-1", discount_id, "DRILL"))
    made.context.clock.instant = OPEN.replace(hour=5)
    listed = fits(answers_operations.ExecutionList, executions.stuck(made.context, OPEN - OPEN.replace(hour=1)))
    assert [one.discount_id for one in listed.executions] == [discount_id]


def test_a_notice_s_answer_fits(platform, states):
    paid = next(item for item in states if item.body["status"] == "DISBURSED")
    reference = platform.context.store.get(paid.pk, "payment#1").body["reference"]
    notice = PaymentAnswer(reference, PaymentStatus.SUCCEEDED)
    taken = [bank_notices.take(platform.context, notice), {"reference": "FOREIGN", "payment": None}]
    fits(answers_operations.NoticesTaken, {"notices": taken})


def test_an_enterprise_with_another_account_fits():
    made = Platform()
    item = made.context.store.states("enterprise#")[0]
    made.bank.accounts["990000000000000001"] = (item.body["account_name"], item.body["uscc"])
    command = accounts.ChangeAccount(item.body["bank_code"], "990000000000000001", item.body["account_name"])
    fits(answers.Enterprise, accounts.change_account(made.context, item, command))


@pytest.mark.parametrize("error", [NotFoundError("Gone.", field="discount_id"), RongTongError("Ours.")])
def test_a_problem_fits(error):
    document = json.loads(problem(error, "/v1/discounts/1").body)
    assert fits(answers.Problem, document).code == error.code
