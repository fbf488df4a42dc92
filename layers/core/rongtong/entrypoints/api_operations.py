"""The description of the routes of operations and of banks."""

from __future__ import annotations

from collections.abc import Mapping

from rongtong.entrypoints import answers_operations as answers
from rongtong.entrypoints.answers import Discount
from rongtong.entrypoints.answers_review import MonthlyReview
from rongtong.entrypoints.api_table import Link, Operation, Reply, link_by
from rongtong.entrypoints.models import (
    AssignmentBody,
    ChangeBody,
    DecisionBody,
    NoticeBody,
    ReplayBody,
    ResolutionBody,
    ReviewBody,
    SuspensionBody,
)
from rongtong.entrypoints.queries import AccessesQuery, ExecutionsQuery, IncidentsQuery, MonthlyReviewQuery

_TAG = "Operations"
_REPLAYED = ("Idempotent-Replayed",)
_CONTENT = (
    "CHANGE_CONTENT",
    "WITNESS_POLICY",
    "POLICY",
    "LIMITS",
    "RISK_RULE",
    "MONTHLY_RULE",
    "TRADE_EVIDENCE",
    "LIST_ENTRY",
    "RATE_TABLE",
    "RATE_INVALID",
    "ACCEPTOR_DIRECTORY",
    "CALENDAR_DAYS",
    "CALENDAR_SOURCE",
    "SERVICE_HOURS",
    "RESERVE_POSTING",
    "USCC_INVALID",
    "BANK_CODE_INVALID",
    "RESIDENT_ID_INVALID",
)
OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("POST", "/v1/bank/notices"): Operation(
        id="takeNotice",
        tag="Bank",
        summary="Say what became of a payment",
        description="JSON, or a pain.002 or camt.054 as XML of up to 4 MiB. Send it until it is answered with 200.",
        body=NoticeBody,
        example={"reference": "RT4SYJ3GLKR6JT3APMGD3N43ZVFH01", "status": "SUCCEEDED", "bank_serial": "SB0"},
        xml=True,
        replies={200: Reply("What the books say now.", answers.NoticesTaken, headers=_REPLAYED)},
        codes=("NOT_FOUND", "REFERENCE_UNKNOWN", "REGISTRY_UNAVAILABLE"),
    ),
    ("GET", "/v1/operations/reviews/{discount_id}"): Operation(
        id="readReview",
        tag=_TAG,
        summary="Read what a reviewer decides on",
        replies={200: Reply("Checks, hits and findings.", answers.ReviewFile)},
        codes=("NOT_FOUND", "WRONG_STATE"),
        links={"decision": Link("decideReview", "Decide it.", link_by("discount_id", "/discount"))},
    ),
    ("POST", "/v1/operations/reviews/{discount_id}"): Operation(
        id="decideReview",
        tag=_TAG,
        summary="Decide a review",
        body=ReviewBody,
        example={"decision": "approve", "note": "FILES_SEEN"},
        replies={200: Reply("The discount.", Discount, headers=_REPLAYED)},
        codes=("NOT_FOUND", "WRONG_STATE"),
    ),
    ("GET", "/v1/operations/accesses"): Operation(
        id="listAccesses",
        tag=_TAG,
        summary="List who was shown which evidence of a discount",
        description="To ask for it is such a read itself.",
        query=AccessesQuery,
        replies={200: Reply("Newest first.", answers.AccessList)},
        codes=("NOT_FOUND", "INVALID_BODY"),
    ),
    ("GET", "/v1/operations/watch"): Operation(
        id="readWatch",
        tag=_TAG,
        summary="Read what the watch found when it ran last",
        description="It runs each minute; alarms ring for what it finds. The pages of operations tell its parts.",
        replies={200: Reply("Measures and what stands behind them.", answers.Watched)},
        codes=("NOT_FOUND",),
    ),
    ("GET", "/v1/operations/incidents"): Operation(
        id="listIncidents",
        tag=_TAG,
        summary="List what a person must settle",
        query=IncidentsQuery,
        replies={200: Reply("Incidents.", answers.IncidentList)},
        codes=("INVALID_BODY",),
        links={
            "assignment": Link("assignIncident", "Say who settles the first.", link_by("incident_id", "/incidents/0")),
            "resolution": Link("resolveIncident", "Settle the first.", link_by("incident_id", "/incidents/0")),
        },
    ),
    ("POST", "/v1/operations/incidents/{incident_id}/assignment"): Operation(
        id="assignIncident",
        tag=_TAG,
        summary="Say who settles an incident",
        body=AssignmentBody,
        example={"assignee": "operations-2"},
        replies={200: Reply("The incident.", answers.Incident, headers=_REPLAYED)},
        codes=("ASSIGNEE_UNKNOWN", "NOT_FOUND", "WRONG_STATE"),
    ),
    ("POST", "/v1/operations/incidents/{incident_id}/resolution"): Operation(
        id="resolveIncident",
        tag=_TAG,
        summary="Say that an incident is settled, and how",
        body=ResolutionBody,
        example={"note": "PAID_BY_HAND"},
        replies={200: Reply("The incident.", answers.Incident, headers=_REPLAYED)},
        codes=("NOT_FOUND", "WRONG_STATE"),
    ),
    ("GET", "/v1/operations/reconciliations/{day}"): Operation(
        id="readReconciliation",
        tag=_TAG,
        summary="Read how bank, books and registry compared on a day",
        replies={200: Reply("The comparison.", answers.Reconciliation)},
        codes=("NOT_FOUND",),
    ),
    ("GET", "/v1/operations/monthly-reviews/{period}"): Operation(
        id="readMonthlyReview",
        tag=_TAG,
        summary="Read a month's report on the customers",
        description="The month is like 2026-01. `format` chooses a page, which loads nothing else, or JSON.",
        query=MonthlyReviewQuery,
        replies={200: Reply("The report.", MonthlyReview, others=("text/html",))},
        codes=("INVALID_BODY", "NOT_FOUND", "REPORT_ALTERED"),
    ),
    ("GET", "/v1/operations/executions"): Operation(
        id="listExecutions",
        tag=_TAG,
        summary="List executions that failed or are stuck",
        query=ExecutionsQuery,
        replies={200: Reply("Each with its error and what to do next.", answers.ExecutionList)},
        codes=("INVALID_BODY",),
        links={
            "replay": Link(
                "replayExecution", "Carry on the first.", {"execution_id": "$response.body#/executions/0/execution"}
            )
        },
    ),
    ("POST", "/v1/operations/executions/{execution_id}/replay"): Operation(
        id="replayExecution",
        tag=_TAG,
        summary="Carry on a discount",
        description="By its id or an execution's name. The same again is no change while it runs.",
        body=ReplayBody,
        example={"why": "BANK_IS_BACK"},
        replies={200: Reply("What was done.", answers.Replayed, headers=_REPLAYED)},
        codes=("NOT_FOUND",),
    ),
    ("GET", "/v1/operations/dead-letters"): Operation(
        id="listDeadLetters",
        tag=_TAG,
        summary="List what asynchronous paths gave up",
        replies={200: Reply("By path, oldest first.", answers.DeadLetters)},
        links={"redelivery": Link("redeliverDeadLetters", "Deliver it again.", link_by("path", "/paths/0"))},
    ),
    ("POST", "/v1/operations/dead-letters/{path}/redelivery"): Operation(
        id="redeliverDeadLetters",
        tag=_TAG,
        summary="Deliver a path's dead letters again",
        description="Up to 50 at a time.",
        body=ReplayBody,
        example={"why": "FUNCTION_MENDED"},
        replies={200: Reply("What was handed over.", answers.Redelivered, headers=_REPLAYED)},
        codes=("NOT_FOUND",),
    ),
    ("POST", "/v1/operations/suspensions"): Operation(
        id="suspendBusiness",
        tag=_TAG,
        summary="Stop new disbursements at once",
        description="Two persons release them again by a change of the kind `release`.",
        body=SuspensionBody,
        example={"scope": "institution", "id": "bank-1", "reason": "DRILL"},
        replies={200: Reply("The suspension.", answers.Suspension, headers=_REPLAYED)},
        codes=("NOT_FOUND",),
    ),
    ("GET", "/v1/operations/suspensions"): Operation(
        id="listSuspensions",
        tag=_TAG,
        summary="List who is suspended",
        replies={200: Reply("The latest first.", answers.SuspensionList)},
    ),
    ("POST", "/v1/operations/changes"): Operation(
        id="proposeChange",
        tag=_TAG,
        summary="Propose a change of the configuration",
        description="Nothing changes before another person approves it.",
        body=ChangeBody,
        example={"kind": "release", "content": {"scope": "platform", "reason": "DRILL_OVER"}},
        replies={201: Reply("The change.", answers.Change, headers=("Location", *_REPLAYED))},
        codes=_CONTENT,
        links={
            "change": Link("readChange", "Where it stands.", link_by("change_id")),
            "decision": Link("decideChange", "The second person's decision.", link_by("change_id")),
        },
    ),
    ("GET", "/v1/operations/changes"): Operation(
        id="listChanges",
        tag=_TAG,
        summary="List the newest changes",
        replies={200: Reply("Whatever their status.", answers.ChangeList)},
        links={"first": Link("readChange", "The first of them.", link_by("change_id", "/changes/0"))},
    ),
    ("GET", "/v1/operations/changes/{change_id}"): Operation(
        id="readChange",
        tag=_TAG,
        summary="Read a change",
        replies={200: Reply("The change.", answers.Change, headers=("ETag",))},
        codes=("NOT_FOUND",),
        links={"decision": Link("decideChange", "The second person's decision.", link_by("change_id"))},
    ),
    ("POST", "/v1/operations/changes/{change_id}/decision"): Operation(
        id="decideChange",
        tag=_TAG,
        summary="Approve or reject a change",
        description="As the second person; who proposed it may withdraw it by a rejection.",
        body=DecisionBody,
        example={"decision": "approve"},
        replies={200: Reply("The change.", answers.Change, headers=_REPLAYED)},
        codes=("NOT_FOUND", "WRONG_STATE", "SAME_PERSON", "CHANGE_STALE", "INSTITUTION_UNKNOWN", *_CONTENT),
        if_match=True,
    ),
}
"""By method and path."""
