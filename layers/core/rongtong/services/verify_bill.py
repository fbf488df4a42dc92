"""Verification: the bill at the registry, the trade behind it and the risk rules, then the price."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

from rongtong.domain.bill import Application, Invoice, Order, RegistryBill
from rongtong.domain.eligibility import CheckResult, run_checks, verdict
from rongtong.domain.errors import RongTongError
from rongtong.domain.interest import Price, price
from rongtong.domain.lifecycle import DiscountStatus, require_discount_transition
from rongtong.domain.sub_bill_range import SubBillRange
from rongtong.services.context import Context
from rongtong.services.discounts import discount_of, request_key, request_of
from rongtong.services.records import STATE, change_writes, discount_pk, enterprise_pk, institution_pk, invoice_pk
from rongtong.services.settings import POLICY_KEY, institution_of, policy_of, rate_for
from rongtong.services.storage import Document, Item

REJECT = "reject"


def verify(context: Context, discount_id: str) -> Document:
    """Decide approve, review or reject, and say why; price what is not rejected. Safe to repeat: decides once.

    Raises RegistryUnavailableError when a registry does not answer; nothing is decided then.
    """
    stored, first_event = context.store.get_many([(discount_pk(discount_id), STATE), request_key(discount_id)])
    item = discount_of(stored)
    if "verdict" in item.body:
        return _output(item.body)
    if DiscountStatus(item.body["status"]) is not DiscountStatus.ACCEPTED:
        # Given up before anything was decided: nothing may follow its last event.
        return {"discount_id": discount_id, "verdict": REJECT, "reason": item.body.get("reason"), "confirmed": False}
    request = request_of(first_event)
    with ThreadPoolExecutor(2) as pool:
        rng = SubBillRange.parse(str(request["range"]))
        bill_answer = pool.submit(context.bills.find, str(request["bill_number"]), rng)
        invoice_answer = pool.submit(context.invoices.find, str(request["invoice_number"]))
        enterprise, institution, policy, claims = context.store.get_many(
            [
                (enterprise_pk(str(item.body["enterprise_id"])), STATE),
                (institution_pk(str(item.body["institution_id"])), STATE),
                POLICY_KEY,
                (invoice_pk(str(request["invoice_number"])), STATE),
            ]
        )
        assert enterprise is not None, "a discount is accepted only for an enterprise that exists"
        payee, verified = _accounts(context, enterprise, request)
        application = _application(request, str(enterprise.body["uscc"]), payee, _claimed_fen(claims, discount_id))
        bill, invoice = bill_answer.result(), invoice_answer.result()
    today = context.calendar.shanghai_date(context.clock.now())
    results = run_checks(application, bill, invoice, policy_of(policy), today, verified)
    decided = verdict(results)
    outcome: str = decided.outcome
    reason, priced = decided.reason, None
    if outcome != REJECT and bill is not None:
        try:
            priced = _price(context, institution_of(institution), int(item.body["face_fen"]), bill, today)
        except RongTongError as error:
            outcome, reason = REJECT, error.code
    return _decide(context, item, outcome, reason, results, priced, bill, invoice)


def _decide(
    context: Context,
    item: Item,
    outcome: str,
    reason: str | None,
    results: tuple[CheckResult, ...],
    priced: Price | None,
    bill: RegistryBill | None,
    invoice: Invoice | None,
) -> Document:
    changes: Document = {"verdict": outcome, "reason": reason}
    if outcome != REJECT:
        status = status_after(outcome, confirmed=bool(item.body["confirmed"]))
        require_discount_transition(DiscountStatus(item.body["status"]), status)
        changes["status"] = status.value
    if priced is not None:
        changes |= {
            "priced_on": context.calendar.shanghai_date(context.clock.now()).isoformat(),
            "annual_rate": f"{priced.annual_rate:.6f}",
            "days": priced.days,
            "interest_fen": priced.interest_fen,
            "proceeds_fen": priced.proceeds_fen,
            "due_date": priced.effective_maturity.isoformat(),
        }
    evidence: Document = {
        "outcome": outcome,
        "reason": reason,
        "checks": [[result.check, result.outcome, result.reason] for result in results],
        "holding_id": bill.holding_id if bill else None,
        "acceptor": bill.acceptor_name if bill else None,
        "invoice_status": invoice.status if invoice else None,
        **{key: changes[key] for key in ("annual_rate", "days", "interest_fen", "proceeds_fen") if key in changes},
    }
    writes = change_writes(item, "discount_id", changes, "BillVerified", context.clock.now(), evidence)
    context.store.transact(writes)
    return _output({**item.body, **changes})


def status_after(outcome: str, *, confirmed: bool) -> DiscountStatus:
    """Where a bill goes that was not rejected: to a person, to the operator's confirmation, or straight on."""
    if outcome == "review":
        return DiscountStatus.IN_REVIEW
    return DiscountStatus.VERIFIED if confirmed else DiscountStatus.AWAITING_CONFIRMATION


def _output(body: Document) -> Document:
    return {
        "discount_id": body["discount_id"],
        "verdict": body["verdict"],
        "reason": body.get("reason"),
        "confirmed": bool(body["confirmed"]),
    }


def _accounts(context: Context, enterprise: Item, request: Document) -> tuple[str, str]:
    owner, key = str(enterprise.body["enterprise_id"]), str(enterprise.body["data_key"])
    asked = context.vault.decrypt(owner, key, str(request["payee_account_sealed"]))
    return asked, context.vault.decrypt(owner, key, str(enterprise.body["account_number"]))


def _claimed_fen(claims: Item | None, discount_id: str) -> int:
    """Fen of the discounts accepted on the invoice before this one, and of this one: who came first goes through."""
    assert claims is not None, "acceptance notes every discount on its invoice"
    listed = claims.body["claims"]
    own = next(at for at, claim in enumerate(listed) if claim[0] == discount_id)
    return sum(int(amount) for _, amount in listed[: own + 1])


def _application(request: Document, uscc: str, payee_account: str, claimed_fen: int) -> Application:
    order = Order(
        number=str(request["order_number"]),
        amount_fen=int(request["order_amount_fen"]),
        date=date.fromisoformat(str(request["order_date"])),
        buyer_uscc=str(request["order_buyer_uscc"]),
        seller_uscc=uscc,
    )
    return Application(
        bill_number=str(request["bill_number"]),
        range=SubBillRange.parse(str(request["range"])),
        amount_fen=int(request["amount_fen"]),
        kind=str(request["kind"]),
        issue_date=date.fromisoformat(str(request["issue_date"])),
        maturity_date=date.fromisoformat(str(request["maturity_date"])),
        acceptor_bank_code=str(request["acceptor_bank_code"]),
        applicant_uscc=uscc,
        payee_account=payee_account,
        order=order,
        invoice_number=str(request["invoice_number"]),
        invoice_claimed_fen=claimed_fen,
    )


def _price(context: Context, institution: Document, face_fen: int, bill: RegistryBill, today: date) -> Price:
    tenor = context.calendar.effective_maturity(bill.maturity_date) - today
    rate = rate_for(institution, bill.acceptor_class, tenor.days)
    return price(face_fen, rate, today, bill.maturity_date, context.calendar)
