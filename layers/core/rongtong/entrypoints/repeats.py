"""Which POST routes keep their answers for repeats, and how: every other one remembers by its own records."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from chalice.app import Request, Response

from rongtong.domain.errors import RongTongError
from rongtong.entrypoints.http import body_digest, idempotency_key, problem, status_of
from rongtong.services.context import Context
from rongtong.services.kept_answers import Answer, Asked, Verdict, once

KEPT: frozenset[str] = frozenset(
    {
        "/v1/enterprises",
        "/v1/enterprises/{enterprise_id}/account",
        "/v1/enterprises/{enterprise_id}/consents",
        "/v1/enterprises/{enterprise_id}/consents/withdrawal",
        "/v1/enterprises/{enterprise_id}/closure",
        "/v1/discounts/{discount_id}/confirmation",
        "/v1/operations/reviews/{discount_id}",
        "/v1/operations/incidents/{incident_id}/assignment",
        "/v1/operations/incidents/{incident_id}/notes",
        "/v1/operations/incidents/{incident_id}/resolution",
        "/v1/operations/executions/{execution_id}/replay",
        "/v1/operations/dead-letters/{path}/redelivery",
        "/v1/operations/jobs/{job}/runs",
        "/v1/operations/suspensions",
        "/v1/operations/changes",
        "/v1/operations/changes/{change_id}/decision",
        "/v1/enterprises/{enterprise_id}/operators/{operator_id}",
        "/v1/webhook-endpoints/{endpoint_id}/test",
        "/v1/webhook-endpoints/{endpoint_id}/replay",
        "/v1/institution/rates",
        "/v1/institution/limits",
        "/v1/institution/changes/{proposal_id}/decision",
    }
)
"""POST routes whose first answer is kept. Their functions may write ``request#*``."""
_OWN = "Its record is made from the key, and repeats are answered from it."
_SECRET = "Its body or its answer holds what must not be kept in clear."  # noqa: S105
SELF_REMEMBERED: Mapping[str, str] = {
    "/v1/discounts": _OWN,
    "/v1/quotes": _OWN,
    "/v1/bill-imports": _OWN,
    "/v1/bill-imports/{bill_import_id}/start": "What it answers is how far the import is by then.",
    "/v1/enterprises/{enterprise_id}/disclosures": _SECRET,
    "/v1/operations/enterprises/{enterprise_id}/disclosures": _SECRET,
    "/v1/enterprises/{enterprise_id}/operators": _SECRET,
    "/v1/enterprises/{enterprise_id}/operators/{operator_id}/codes": _OWN,
    "/v1/enterprises/{enterprise_id}/operators/{operator_id}/login-password": _SECRET,
    "/v1/enterprises/{enterprise_id}/operators/{operator_id}/payment-password": _SECRET,
    "/v1/discounts/{discount_id}/confirmation-challenges": _OWN,
    "/v1/discounts/{discount_id}/confirmation-challenges/{challenge_id}": _SECRET,
    "/v1/webhook-endpoints": _SECRET,
    "/v1/webhook-endpoints/{endpoint_id}/secret": _SECRET,
    "/v1/complaints": _SECRET,
    "/v1/complaints/{complaint_id}/reopening": _SECRET,
    "/v1/complaints/{complaint_id}/closure": _SECRET,
    "/v1/operations/complaints/{complaint_id}/taking": _SECRET,
    "/v1/operations/complaints/{complaint_id}/answer": _SECRET,
    "/v1/operations/duties/{duty}/records": _OWN,
    "/v1/operations/duties/{duty}/records/{record_id}/findings/{number}/closure": (
        "The finding holds who closed it and how; the same again is no change."
    ),
    "/v1/operations/audit-packs/{year}": "The year is what is remembered; the same again is no change.",
    "/v1/bank/notices": "The bank repeats a file until it is answered, and wants to know what the books say by then.",
}
"""POST routes that keep nothing here, and why."""
_UNREAD = frozenset({"INVALID_BODY", "NOT_JSON", "BODY_TOO_LARGE", "HEADER_MISSING", "CONTENT_DIGEST_MISMATCH"})
_UNDECIDED = frozenset({401, 403, 409, 412, 429})
_TOLD_AGAIN = ("Content-Type", "Location", "ETag")


def answered_once(context: Context, partner_id: str, request: Request, run: Callable[[], Response]) -> Response:
    """What ``run`` answers, or the first answer to this key with ``Idempotent-Replayed: true``.

    Raises MissingHeaderError, IdempotencyMismatchError, RequestRunningError, BusyError.
    """
    path = str(request.context.get("path", request.path))
    asked = Asked(partner_id, idempotency_key(request), body_digest(request), f"POST {path}")
    first: list[Response] = []

    def carried_out() -> tuple[Answer, Verdict]:
        try:
            response, verdict = run(), Verdict.KEEP
        except RongTongError as error:
            response, verdict = problem(error, path), verdict_of(error)
        first.append(response)
        headers = {name: str(response.headers[name]) for name in _TOLD_AGAIN if name in response.headers}
        return Answer(response.status_code, str(response.body), headers), verdict

    answer, repeated = once(context, asked, carried_out)
    if not repeated:
        return first[0]
    return Response(
        body=answer.body,
        status_code=answer.status,
        headers={**answer.headers, "Idempotent-Replayed": "true"},
    )


def verdict_of(error: RongTongError) -> Verdict:
    """Whether a refusal is an answer that stands."""
    status = status_of(error)
    if error.code in _UNREAD:
        return Verdict.FORGET
    return Verdict.AGAIN if status >= 500 or status in _UNDECIDED else Verdict.KEEP
