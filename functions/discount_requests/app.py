"""Discount requests: the discount routes of the API, and the sweeper that starts what was accepted but not started."""

from __future__ import annotations

from typing import Any

from chalice.app import Chalice, Response

from rongtong.entrypoints.bootstrap import context
from rongtong.entrypoints.http import Headers, acting, answer, answers, body_digest, caller, idempotency_key, read_body
from rongtong.entrypoints.models import Confirmation, DiscountBody, QuoteBody, plain
from rongtong.entrypoints.tasks import run_task
from rongtong.services import discounts, quotes, request_discount, suspension, waiting
from rongtong.services.sweep import sweep

app = Chalice(app_name="discount_requests")


@app.route("/v1/discounts", methods=["POST"], content_types=["*/*"])
@answers(lambda: app.current_request)
def request_one() -> Response:
    """202 with the discount; a repeat under the same key answers the same discount and says so in a header."""
    who = caller(app.current_request)
    key = idempotency_key(app.current_request)
    body = read_body(app.current_request, DiscountBody)
    command = request_discount.RequestDiscount(
        partner_id=who.partner_id,
        idempotency_key=key,
        body_digest=body_digest(app.current_request),
        enterprise_id=body.enterprise_id,
        institution_id=body.institution_id,
        bill_number=body.bill.number,
        range=body.bill.range,
        amount_fen=body.bill.amount_fen,
        deal_amount_fen=body.bill.deal_amount_fen,
        kind=body.bill.kind,
        issue_date=body.bill.issue_date.isoformat(),
        maturity_date=body.bill.maturity_date.isoformat(),
        acceptor_bank_code=body.bill.acceptor_bank_code,
        order_number=body.trade.order_number,
        order_amount_fen=body.trade.order_amount_fen,
        order_date=body.trade.order_date.isoformat(),
        order_buyer_uscc=body.trade.order_buyer_uscc,
        invoice_number=body.trade.invoice_number,
        deliveries=tuple(plain(delivery) for delivery in body.trade.deliveries),
        money_flows=tuple(plain(flow) for flow in body.trade.money_flows),
        payee_account=body.payee_account,
        confirmed_by=body.confirmation.operator if body.confirmation else None,
        factors=tuple(body.confirmation.factors) if body.confirmation else (),
        access=plain(body.confirmation.access) if body.confirmation and body.confirmation.access else None,
        interest=plain(body.interest) if body.interest else None,
        quote_id=body.quote_id,
    )
    document, created = request_discount.accept(acting(context(), who), command)
    headers: Headers = {"Location": f"/v1/discounts/{document['discount_id']}"}
    if not created:
        headers["Idempotent-Replayed"] = "true"
    return answer(document, 202, headers)


@app.route("/v1/quotes", methods=["POST"], content_types=["*/*"])
@answers(lambda: app.current_request)
def ask_quote() -> Response:
    """201 with every institution's offer, best first."""
    who = caller(app.current_request)
    key = idempotency_key(app.current_request)
    body = read_body(app.current_request, QuoteBody)
    command = quotes.AskQuote(
        partner_id=who.partner_id,
        idempotency_key=key,
        body_digest=body_digest(app.current_request),
        institution_ids=tuple(dict.fromkeys(body.institution_ids)),
        kind=body.kind,
        acceptor_bank_code=body.acceptor_bank_code,
        amount_fen=body.amount_fen,
        maturity_date=body.maturity_date.isoformat(),
        interest=plain(body.interest) if body.interest else None,
        repurchase=plain(body.repurchase) if body.repurchase else None,
    )
    document, created = quotes.ask(acting(context(), who), command)
    headers: Headers = {"Location": f"/v1/quotes/{document['quote_id']}"}
    if not created:
        headers["Idempotent-Replayed"] = "true"
    return answer(document, 201, headers)


@app.route("/v1/quotes/{quote_id}", methods=["GET"])
@answers(lambda: app.current_request)
def read_quote(quote_id: str) -> Response:
    """The quote, also after it has expired."""
    return answer(quotes.find(context(), caller(app.current_request).partner_id, quote_id))


@app.route("/v1/discounts/{discount_id}", methods=["GET"])
@answers(lambda: app.current_request)
def read_one(discount_id: str) -> Response:
    """The discount's state."""
    return answer(discounts.find(context(), caller(app.current_request).partner_id, discount_id))


@app.route("/v1/discounts/{discount_id}/timeline", methods=["GET"])
@answers(lambda: app.current_request)
def read_timeline(discount_id: str) -> Response:
    """The discount's events, oldest first."""
    events = discounts.timeline(context(), caller(app.current_request).partner_id, discount_id)
    return answer({"discount_id": discount_id, "events": events})


@app.route("/v1/discounts/{discount_id}/confirmation", methods=["POST"], content_types=["*/*"])
@answers(lambda: app.current_request)
def confirm(discount_id: str) -> Response:
    """The operator's two-factor confirmation, where the request did not carry it."""
    who = caller(app.current_request)
    idempotency_key(app.current_request)
    body = read_body(app.current_request, Confirmation)
    access = plain(body.access) if body.access else None
    return answer(
        waiting.confirm(acting(context(), who), who.partner_id, discount_id, body.operator, tuple(body.factors), access)
    )


@app.route("/v1/status", methods=["GET"])
@answers(lambda: app.current_request)
def read_status() -> Response:
    """Whether new requests of the caller are accepted now."""
    return answer(suspension.status(context(), caller(app.current_request).partner_id))


@app.lambda_function(name="sweep_requests")
def sweep_requests(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Schedule: start what was accepted but never started."""
    return run_task(sweep, event)
