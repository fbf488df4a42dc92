"""Discount requests: the discount routes of the API, and the sweeper that starts what was accepted but not started."""

from __future__ import annotations

from typing import Any

from chalice.app import Chalice, Response

from rongtong.entrypoints import models, queries
from rongtong.entrypoints.door import Call
from rongtong.entrypoints.etags import etag, require_match
from rongtong.entrypoints.http import Headers, answer, body_digest, idempotency_key, read_body
from rongtong.entrypoints.routes import serve
from rongtong.entrypoints.tasks import run_task
from rongtong.services import discounts, lists, quotes, request_discount, suspension, sweep, waiting
from rongtong.services.storage import Item

app = Chalice(app_name="discount_requests")


@serve(app, "POST", "/v1/discounts")
def request_one(call: Call) -> Response:
    """202 with the discount; a repeat under the same key answers the same discount and says so in a header."""
    key = idempotency_key(call.request)
    body = read_body(call.request, models.DiscountBody)
    command = request_discount.RequestDiscount(
        partner_id=call.partner_id,
        idempotency_key=key,
        body_digest=body_digest(call.request),
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
        deliveries=tuple(models.plain(delivery) for delivery in body.trade.deliveries),
        money_flows=tuple(models.plain(flow) for flow in body.trade.money_flows),
        payee_account=body.payee_account,
        confirmed_by=body.confirmation.operator if body.confirmation else None,
        factors=tuple(body.confirmation.factors) if body.confirmation else (),
        access=models.plain(body.confirmation.access) if body.confirmation and body.confirmation.access else None,
        interest=models.plain(body.interest) if body.interest else None,
        quote_id=body.quote_id,
    )
    document, created = request_discount.accept(call.context, command)
    headers: Headers = {"Location": f"/v1/discounts/{document['discount_id']}"}
    if not created:
        headers["Idempotent-Replayed"] = "true"
    return answer(document, 202, headers)


@serve(app, "POST", "/v1/quotes")
def ask_quote(call: Call) -> Response:
    """201 with every institution's offer, best first."""
    key = idempotency_key(call.request)
    body = read_body(call.request, models.QuoteBody)
    command = quotes.AskQuote(
        partner_id=call.partner_id,
        idempotency_key=key,
        body_digest=body_digest(call.request),
        institution_ids=tuple(dict.fromkeys(body.institution_ids)),
        kind=body.kind,
        acceptor_bank_code=body.acceptor_bank_code,
        amount_fen=body.amount_fen,
        maturity_date=body.maturity_date.isoformat(),
        interest=models.plain(body.interest) if body.interest else None,
        repurchase=models.plain(body.repurchase) if body.repurchase else None,
    )
    document, created = quotes.ask(call.context, command)
    headers: Headers = {"Location": f"/v1/quotes/{document['quote_id']}"}
    if not created:
        headers["Idempotent-Replayed"] = "true"
    return answer(document, 201, headers)


@serve(app, "GET", "/v1/quotes")
def list_quotes(call: Call) -> Response:
    """The caller's quotes, newest first, a page at a time."""
    asked = queries.read_query(call.request.query_params, queries.QuotesQuery)
    return answer(lists.quotes(call.context, queries.part_of(asked, asked.fields), partner_id=call.partner_id))


@serve(app, "GET", "/v1/quotes/{quote_id}")
def read_quote(_: Call, quote: Item) -> Response:
    """The quote, also after it has expired."""
    return answer(quotes.view(quote.body))


@serve(app, "GET", "/v1/discounts")
def list_discounts(call: Call) -> Response:
    """The caller's discounts, newest first, a page at a time."""
    asked = queries.read_query(call.request.query_params, queries.DiscountsQuery)
    document = lists.discounts(
        call.context,
        queries.part_of(asked, asked.fields),
        partner_id=call.partner_id,
        status=asked.status,
        enterprise_id=asked.enterprise_id,
    )
    return answer(document)


@serve(app, "GET", "/v1/discounts/{discount_id}")
def read_one(_: Call, discount: Item) -> Response:
    """The discount's state."""
    shown = discounts.view(discount.body)
    return answer(shown, headers={"ETag": etag(shown)})


@serve(app, "GET", "/v1/discounts/{discount_id}/timeline")
def read_timeline(call: Call, discount: Item) -> Response:
    """The discount's events, oldest first."""
    events = discounts.timeline(call.context, discount)
    return answer({"discount_id": discount.body["discount_id"], "events": events})


@serve(app, "POST", "/v1/discounts/{discount_id}/confirmation")
def confirm(call: Call, discount: Item) -> Response:
    """The operator's two-factor confirmation, where the request did not carry it."""
    idempotency_key(call.request)
    body = read_body(call.request, models.Confirmation)
    require_match(call.request, discounts.view(discount.body))
    access = models.plain(body.access) if body.access else None
    return answer(waiting.confirm(call.context, discount, body.operator, tuple(body.factors), access))


@serve(app, "GET", "/v1/status")
def read_status(call: Call) -> Response:
    """Whether new requests of the caller are accepted now."""
    return answer(suspension.status(call.context, call.partner_id))


@app.lambda_function(name="sweep_requests")
def sweep_requests(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Schedule: start what was accepted but never started."""
    return run_task(sweep.sweep, event)
