"""Disbursement: the task that pays once, and what the bank says of itself."""

from __future__ import annotations

from typing import Any

from chalice.app import Chalice, Response

from rongtong.domain.payment import PaymentStatus
from rongtong.entrypoints import models
from rongtong.entrypoints.bootstrap import bank_messages
from rongtong.entrypoints.door import Call
from rongtong.entrypoints.http import answer, idempotency_key, is_xml, read_body, read_bytes
from rongtong.entrypoints.routes import serve
from rongtong.entrypoints.tasks import run_task
from rongtong.services import bank_notices, disburse
from rongtong.services.ports import PaymentAnswer

app = Chalice(app_name="disbursement")
_XML_BYTES_MAX = 4 * 1024 * 1024
"""What API Gateway and Lambda take with room to spare; a bank sends larger files in parts."""


@app.lambda_function(name="pay")
def pay(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Task: Disburse."""
    return run_task(lambda c: disburse.disburse(c, str(event["discount_id"])), event)


@serve(app, "POST", "/v1/bank/notices")
def take_notice(call: Call) -> Response:
    """What became of payments, told by their bank: JSON, or a pain.002 or camt.054 as XML.

    The bank repeats it until it is answered with 200.
    """
    idempotency_key(call.request)
    if is_xml(call.request):
        # A file may speak of payments that are not ours; what is ours in it counts all the same.
        notices = bank_messages(read_bytes(call.request, most=_XML_BYTES_MAX))
        return answer({"notices": bank_notices.take_all(call.context, call.partner_id, notices)})
    body = read_body(call.request, models.NoticeBody)
    notice = PaymentAnswer(body.reference, PaymentStatus(body.status), body.bank_serial, body.reason)
    return answer({"notices": [bank_notices.take_from(call.context, call.partner_id, notice)]})
