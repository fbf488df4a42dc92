"""Operations: reviewers' decisions, waiting for persons, giving back what will not be paid, replaying what failed."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from chalice.app import Chalice, Response

from rongtong.domain.incident import IncidentStatus
from rongtong.entrypoints.bootstrap import context
from rongtong.entrypoints.dead_letters import dead_letters
from rongtong.entrypoints.errors import InvalidBodyError
from rongtong.entrypoints.http import acting, answer, answers, idempotency_key, read_body, require_role
from rongtong.entrypoints.logs import logger
from rongtong.entrypoints.models import ReplayBody, ResolutionBody, ReviewBody, SuspensionBody
from rongtong.entrypoints.tasks import run_task
from rongtong.services import executions, exposure_ledger, incidents, reconcile, replay, suspension, waiting
from rongtong.services import unwind as unwinding

app = Chalice(app_name="operations")
_SINCE = re.compile(r"([1-9][0-9]{0,3})([mhd])", re.ASCII)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


@app.route("/v1/operations/reviews/{discount_id}", methods=["GET"])
@answers(lambda: app.current_request)
def read_review(discount_id: str) -> Response:
    """What a reviewer decides on: the discount, every check, and what lists and risk rules found."""
    require_role(app.current_request, "operations")
    return answer(waiting.review_file(context(), discount_id))


@app.route("/v1/operations/reviews/{discount_id}", methods=["POST"], content_types=["*/*"])
@answers(lambda: app.current_request)
def decide_review(discount_id: str) -> Response:
    """A reviewer's decision on a discount that is IN_REVIEW."""
    who = require_role(app.current_request, "operations")
    idempotency_key(app.current_request)
    body = read_body(app.current_request, ReviewBody)
    approve = body.decision == "approve"
    return answer(
        waiting.decide_review(acting(context(), who), who.partner_id, discount_id, approve=approve, note=body.note)
    )


@app.route("/v1/operations/incidents", methods=["GET"])
@answers(lambda: app.current_request)
def list_incidents() -> Response:
    """Open incidents, newest first, each with what to do next; ``?status=resolved`` for the settled ones."""
    require_role(app.current_request, "operations")
    asked = _query()
    status = IncidentStatus.RESOLVED if asked.get("status") == "resolved" else IncidentStatus.OPEN
    return answer(incidents.newest(context(), status))


@app.route("/v1/operations/incidents/{incident_id}/resolution", methods=["POST"], content_types=["*/*"])
@answers(lambda: app.current_request)
def resolve_incident(incident_id: str) -> Response:
    """Say that an incident is settled, and how."""
    who = require_role(app.current_request, "operations")
    idempotency_key(app.current_request)
    body = read_body(app.current_request, ResolutionBody)
    return answer(incidents.resolve(acting(context(), who), who.partner_id, incident_id, body.note))


@app.route("/v1/operations/reconciliations/{day}", methods=["GET"])
@answers(lambda: app.current_request)
def read_reconciliation(day: str) -> Response:
    """What the comparison of one day with the bank's statement and the registry found."""
    require_role(app.current_request, "operations")
    return answer(reconcile.find(context(), day))


@app.route("/v1/operations/executions", methods=["GET"])
@answers(lambda: app.current_request)
def list_executions() -> Response:
    """``status=failed``: what failed ``since`` (1d); ``status=stuck``: what is due for longer than ``since`` (30m)."""
    require_role(app.current_request, "operations")
    asked = _query()
    if asked.get("status") == "failed":
        return answer(executions.failed(context(), _since(asked.get("since", "1d"))))
    if asked.get("status") == "stuck":
        return answer(executions.stuck(context(), _since(asked.get("since", "30m"))))
    raise InvalidBodyError("status is failed or stuck.", field="status")


@app.route("/v1/operations/executions/{execution_id}/replay", methods=["POST"], content_types=["*/*"])
@answers(lambda: app.current_request)
def replay_execution(execution_id: str) -> Response:
    """Carry on a discount, by its id or the name of an execution; the same again is no change while it runs."""
    who = require_role(app.current_request, "operations")
    idempotency_key(app.current_request)
    body = read_body(app.current_request, ReplayBody)
    return answer(replay.replay(acting(context(), who), who.partner_id, execution_id, body.why))


@app.route("/v1/operations/dead-letters", methods=["GET"])
@answers(lambda: app.current_request)
def list_dead_letters() -> Response:
    """What asynchronous paths gave up, by path, oldest first."""
    require_role(app.current_request, "operations")
    return answer(dead_letters().letters())


@app.route("/v1/operations/dead-letters/{path}/redelivery", methods=["POST"], content_types=["*/*"])
@answers(lambda: app.current_request)
def redeliver_dead_letters(path: str) -> Response:
    """Deliver a path's dead letters again, up to 50 at a time, each under its own id."""
    who = require_role(app.current_request, "operations")
    idempotency_key(app.current_request)
    body = read_body(app.current_request, ReplayBody)
    done = dead_letters().redeliver(path)
    logger.info("dead letters redelivered", extra={**done, "by": who.partner_id, "why": body.why})
    return answer(done)


@app.route("/v1/operations/suspensions", methods=["POST"], content_types=["*/*"])
@answers(lambda: app.current_request)
def suspend_business() -> Response:
    """Stop new disbursements at once; two persons release them by a change of the kind ``release``."""
    who = require_role(app.current_request, "operations")
    key = idempotency_key(app.current_request)
    body = read_body(app.current_request, SuspensionBody)
    scope = suspension.SuspensionScope(body.scope)
    return answer(suspension.suspend(acting(context(), who), who.partner_id, key, scope, body.id, body.reason))


@app.route("/v1/operations/suspensions", methods=["GET"])
@answers(lambda: app.current_request)
def list_suspensions() -> Response:
    """Who is suspended now, the latest first."""
    require_role(app.current_request, "operations")
    return answer({"suspensions": suspension.newest(context())})


@app.lambda_function(name="check_limits")
def check_limits(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Schedule: the sums of all postings must be what is taken of the limits."""
    return run_task(exposure_ledger.check, event)


@app.lambda_function(name="park")
def park(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Task: AwaitReview and Confirm."""
    return run_task(lambda c: waiting.park(c, str(event["discount_id"]), str(event["task_token"])), event)


@app.lambda_function(name="unwind")
def unwind(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Task: Unwind."""
    discount_id, reason = str(event["discount_id"]), str(event["reason"])
    return run_task(lambda c: unwinding.unwind(c, discount_id, reason, refused=bool(event["refused"])), event)


def _query() -> dict[str, str]:
    return dict((app.current_request.query_params or {}) if app.current_request else {})


def _since(text: str) -> timedelta:
    """A span such as 30m, 2h or 1d. Raises InvalidBodyError."""
    found = _SINCE.fullmatch(text)
    if found is None:
        raise InvalidBodyError("since is a whole number of minutes, hours or days, like 30m, 2h or 1d.", field="since")
    return int(found[1]) * _UNITS[found[2]]
