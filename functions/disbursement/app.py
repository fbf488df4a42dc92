"""Disbursement: the task that pays once, what the bank says of itself, and the comparison with its statement."""

from __future__ import annotations

from datetime import date
from typing import Any

from chalice.app import Chalice, Response

from rongtong.domain.payment import PaymentStatus
from rongtong.entrypoints.bootstrap import bank_messages, context
from rongtong.entrypoints.http import (
    acting,
    answer,
    answers,
    idempotency_key,
    is_xml,
    read_body,
    read_bytes,
    require_role,
)
from rongtong.entrypoints.models import NoticeBody
from rongtong.entrypoints.tasks import run_task
from rongtong.services import bank_notices
from rongtong.services import reconcile as reconciling
from rongtong.services.disburse import disburse
from rongtong.services.ports import PaymentAnswer

app = Chalice(app_name="disbursement")
_XML_BYTES_MAX = 4 * 1024 * 1024
"""What API Gateway and Lambda take with room to spare; a bank sends larger files in parts."""


@app.lambda_function(name="pay")
def pay(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Task: Disburse."""
    return run_task(lambda c: disburse(c, str(event["discount_id"])), event)


@app.lambda_function(name="reconcile")
def reconcile(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Schedule: compare what was not compared yet, or ``day``, with the bank's statement and the registry."""
    if "day" in event:
        return run_task(lambda c: reconciling.reconcile(c, date.fromisoformat(str(event["day"]))), event)
    return run_task(reconciling.reconcile_due, event)


@app.route("/v1/bank/notices", methods=["POST"], content_types=["*/*"])
@answers(lambda: app.current_request)
def take_notice() -> Response:
    """What became of payments, told by their bank (role bank): JSON, or a pain.002 or camt.054 as XML.

    The bank repeats it until it is answered with 200.
    """
    who = require_role(app.current_request, "bank")
    idempotency_key(app.current_request)
    if is_xml(app.current_request):
        # A file may speak of payments that are not ours; what is ours in it counts all the same.
        notices = bank_messages(read_bytes(app.current_request, most=_XML_BYTES_MAX))
        return answer({"notices": bank_notices.take_all(acting(context(), who), who.partner_id, notices)})
    body = read_body(app.current_request, NoticeBody)
    notice = PaymentAnswer(body.reference, PaymentStatus(body.status), body.bank_serial, body.reason)
    return answer({"notices": [bank_notices.take_from(acting(context(), who), who.partner_id, notice)]})
