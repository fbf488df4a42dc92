"""Operations: reviewers' decisions, waiting for persons, giving back what will not be paid, replaying what failed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from chalice.app import Chalice, Response

from rongtong.domain.incident import IncidentStatus
from rongtong.entrypoints import models, queries
from rongtong.entrypoints.dead_letters import dead_letters
from rongtong.entrypoints.door import Call
from rongtong.entrypoints.http import Headers, answer, idempotency_key, read_body
from rongtong.entrypoints.logs import logger
from rongtong.entrypoints.routes import serve
from rongtong.entrypoints.tasks import run_task
from rongtong.services import (
    access_audit,
    executions,
    incidents,
    job_requests,
    jobs,
    monthly_review,
    reconcile,
    replay,
    suspension,
    waiting,
)
from rongtong.services import unwind as unwinding
from rongtong.services import watch as watching
from rongtong.services.storage import Item

app = Chalice(app_name="operations")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


@serve(app, "GET", "/v1/operations/reviews")
def list_reviews(call: Call) -> Response:
    """Discounts that wait for a reviewer, whose time is up first at the top."""
    return answer(waiting.reviews(call.context))


@serve(app, "GET", "/v1/operations/reviews/{discount_id}")
def read_review(call: Call, discount: Item) -> Response:
    """What a reviewer decides on: the discount, every check, and what lists and risk rules found."""
    return answer(waiting.review_file(call.context, discount))


@serve(app, "POST", "/v1/operations/reviews/{discount_id}")
def decide_review(call: Call, discount: Item) -> Response:
    """A reviewer's decision on a discount that is IN_REVIEW."""
    idempotency_key(call.request)
    body = read_body(call.request, models.ReviewBody)
    approve = body.decision == "approve"
    return answer(waiting.decide_review(call.context, call.partner_id, discount, approve=approve, note=body.note))


@serve(app, "GET", "/v1/operations/accesses")
def list_accesses(call: Call) -> Response:
    """Who was shown which evidence of ``discount_id``, newest first; this request among it next time."""
    query = queries.read_query(call.request.query_params, queries.AccessesQuery)
    return answer(access_audit.accesses(call.context, query.discount_id))


@serve(app, "GET", "/v1/operations/enterprises/{enterprise_id}/accesses")
def list_personal_accesses(call: Call, enterprise: Item) -> Response:
    """Who was shown an enterprise's personal data, newest first; this request among it next time."""
    return answer(access_audit.accesses(call.context, enterprise_id=str(enterprise.body["enterprise_id"])))


@serve(app, "GET", "/v1/operations/incidents")
def list_incidents(call: Call) -> Response:
    """Open incidents, newest first, each with what to do next; ``?status=resolved`` for the settled ones.

    ``kind`` and ``owner`` (a desk) leave out all others.
    """
    query = queries.read_query(call.request.query_params, queries.IncidentsQuery)
    status = IncidentStatus.RESOLVED if query.status == "resolved" else IncidentStatus.OPEN
    return answer(incidents.newest(call.context, status, kind=query.kind, owner=query.owner))


@serve(app, "POST", "/v1/operations/incidents/{incident_id}/assignment")
def assign_incident(call: Call, incident_id: str) -> Response:
    """Say who settles an incident."""
    idempotency_key(call.request)
    body = read_body(call.request, models.AssignmentBody)
    return answer(incidents.assign(call.context, call.partner_id, incident_id, body.assignee))


@serve(app, "POST", "/v1/operations/incidents/{incident_id}/notes")
def note_incident(call: Call, incident_id: str) -> Response:
    """Note a step towards settling an incident, such as that a site was reported."""
    idempotency_key(call.request)
    body = read_body(call.request, models.ResolutionBody)
    return answer(incidents.note(call.context, call.partner_id, incident_id, body.note))


@serve(app, "POST", "/v1/operations/incidents/{incident_id}/resolution")
def resolve_incident(call: Call, incident_id: str) -> Response:
    """Say that an incident is settled, and how."""
    idempotency_key(call.request)
    body = read_body(call.request, models.ResolutionBody)
    return answer(incidents.resolve(call.context, call.partner_id, incident_id, body.note))


@serve(app, "GET", "/v1/operations/reconciliations/{day}")
def read_reconciliation(call: Call, day: str) -> Response:
    """What the comparison of one day with the bank's statement and the registry found."""
    return answer(reconcile.find(call.context, day))


@serve(app, "GET", "/v1/operations/monthly-reviews/{period}")
def read_monthly_review(call: Call, period: str) -> Response:
    """A month's report: a page that loads nothing, in a browser neither, or JSON."""
    query = queries.read_query(call.request.query_params, queries.MonthlyReviewQuery)
    content = monthly_review.read(call.context, period, query.format)
    if query.format == "json":
        return Response(body=content.decode(), status_code=200, headers={"Content-Type": "application/json"})
    headers: Headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": monthly_review.PAGE_MAY}
    return Response(body=content.decode(), status_code=200, headers=headers)


@serve(app, "GET", "/v1/operations/executions")
def list_executions(call: Call) -> Response:
    """``status=failed``: what failed ``since`` (1d); ``status=stuck``: what is due for longer than ``since`` (30m)."""
    query = queries.read_query(call.request.query_params, queries.ExecutionsQuery)
    if query.status == "failed":
        return answer(executions.failed(call.context, _span(query.since or "1d")))
    return answer(executions.stuck(call.context, _span(query.since or "30m")))


@serve(app, "POST", "/v1/operations/executions/{execution_id}/replay")
def replay_execution(call: Call, execution_id: str) -> Response:
    """Carry on a discount, by its id or the name of an execution; the same again is no change while it runs."""
    idempotency_key(call.request)
    body = read_body(call.request, models.ReplayBody)
    return answer(replay.replay(call.context, call.partner_id, execution_id, body.why))


@serve(app, "GET", "/v1/operations/dead-letters")
def list_dead_letters(_: Call) -> Response:
    """What asynchronous paths gave up, by path, oldest first."""
    return answer(dead_letters().letters())


@serve(app, "POST", "/v1/operations/dead-letters/{path}/redelivery")
def redeliver_dead_letters(call: Call, path: str) -> Response:
    """Deliver a path's dead letters again, up to 50 at a time, each under its own id."""
    idempotency_key(call.request)
    body = read_body(call.request, models.ReplayBody)
    letters = dead_letters()
    letters.require(path)
    access_audit.note_redelivery(call.context, call.partner_id, path, body.why)
    done = letters.redeliver(path)
    logger.info("dead letters redelivered", extra={**done, "by": call.partner_id, "why": body.why})
    return answer(done)


@serve(app, "GET", "/v1/operations/jobs")
def list_jobs(call: Call) -> Response:
    """The platform's own jobs, whether any is overdue, and how far each one's newest run is."""
    return answer({"jobs": jobs.overview(call.context)})


@serve(app, "GET", "/v1/operations/jobs/{job}/runs")
def list_job_runs(call: Call, job: str) -> Response:
    """A job's runs, what was begun or asked for last first."""
    return answer({"runs": jobs.runs(call.context, job_requests.job_of(job))})


@serve(app, "POST", "/v1/operations/jobs/{job}/runs")
def run_job(call: Call, job: str) -> Response:
    """Let a job run now; the same again is no change while an execution works on the period."""
    idempotency_key(call.request)
    which, body = job_requests.job_of(job), read_body(call.request, models.JobRunBody)
    done = job_requests.request(call.context, which, call.partner_id, body.why, body.period, again=body.again)
    return answer(done, 200 if done["start"] == job_requests.Start.NOTHING else 202)


@serve(app, "GET", "/v1/operations/jobs/{job}/runs/{period}")
def read_job_run(call: Call, job: str, period: str) -> Response:
    """How far a run is, whether an execution works on it, and what it found."""
    return answer(job_requests.show(call.context, job_requests.job_of(job), period))


@serve(app, "GET", "/v1/operations/watch")
def read_watch(call: Call) -> Response:
    """What the watch found when it ran last: every measure, and what stands behind it."""
    return answer(watching.seen(call.context))


@serve(app, "POST", "/v1/operations/suspensions")
def suspend_business(call: Call) -> Response:
    """Stop new disbursements at once; two persons release them by a change of the kind ``release``."""
    key = idempotency_key(call.request)
    body = read_body(call.request, models.SuspensionBody)
    scope = suspension.SuspensionScope(body.scope)
    return answer(suspension.suspend(call.context, call.partner_id, key, scope, body.id, body.reason))


@serve(app, "GET", "/v1/operations/suspensions")
def list_suspensions(call: Call) -> Response:
    """Who is suspended now, the latest first."""
    return answer({"suspensions": suspension.newest(call.context)})


@app.lambda_function(name="park")
def park(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Task: AwaitReview and Confirm."""
    return run_task(lambda c: waiting.park(c, str(event["discount_id"]), str(event["task_token"])), event)


@app.lambda_function(name="unwind")
def unwind(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Task: Unwind."""
    discount_id, reason = str(event["discount_id"]), str(event["reason"])
    return run_task(lambda c: unwinding.unwind(c, discount_id, reason, refused=bool(event["refused"])), event)


def _span(text: str) -> timedelta:
    """A span such as 30m, 2h or 1d, as the query has it."""
    return int(text[:-1]) * _UNITS[text[-1]]
