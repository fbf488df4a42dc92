"""The description of statements, of the institutions' routes and of complaints."""

from __future__ import annotations

from collections.abc import Mapping

from rongtong.entrypoints import answers, queries
from rongtong.entrypoints import answers_institution as shown
from rongtong.entrypoints.api_table import Link, Operation, Reply, link_by
from rongtong.entrypoints.complaint_models import ComplaintBody, ComplaintsQuery, OwnComplaintsQuery, ReplyBody
from rongtong.entrypoints.institution_models import LimitsBody, PortfolioQuery, RateTableBody, StatementQuery
from rongtong.entrypoints.models import DecisionBody

_STATEMENTS, _INSTITUTION, _COMPLAINTS, _OPERATIONS = "Statements", "Institution", "Complaints", "Operations"
_REPLAYED = ("Idempotent-Replayed",)
_PROPOSAL = {"proposal_id": "$response.body#/change_id"}
_FROM_PROPOSAL = {
    "proposal": Link("readProposal", "Where it stands.", _PROPOSAL),
    "decision": Link("decideProposal", "The second person's decision.", _PROPOSAL),
}
_FROM_COMPLAINT = {
    "complaint": Link("readComplaint", "Where it stands, and what was answered.", link_by("complaint_id")),
    "reopening": Link("reopenComplaint", "The answer does not content.", link_by("complaint_id")),
    "closure": Link("closeComplaint", "It is settled, or withdrawn.", link_by("complaint_id")),
}
_TABLE = {
    "version": 2,
    "valid_from": "2026-04-16T09:00:00+08:00",
    "rows": [
        {"acceptor_class": "state_joint", "max_days": 90, "annual_rate": "1.150000"},
        {"acceptor_class": "city", "max_days": 200, "annual_rate": "1.350000", "max_fen": 1_000_000_000},
    ],
}

INSTITUTION: Mapping[tuple[str, str], Operation] = {
    ("GET", "/v1/statements/{day}"): Operation(
        id="readStatement",
        tag=_STATEMENTS,
        summary="Read the statement of a day or a month",
        description=(
            "The caller's own: a partner's discounts, or those that an institution funded. `format` chooses JSON, CSV "
            "(UTF-8 with a byte order mark) or ISO 20022 camt.053.001.08. A month is named like 2026-04."
        ),
        query=StatementQuery,
        replies={200: Reply("The statement.", shown.Statement, others=("text/csv", "application/xml"))},
        codes=("INVALID_BODY", "PERIOD_INVALID", "REPORT_TOO_LARGE"),
    ),
    ("GET", "/v1/institution/portfolio"): Operation(
        id="readPortfolio",
        tag=_INSTITUTION,
        summary="Read what the institution holds",
        description="With its maturity ladder, its yield and its concentration.",
        query=PortfolioQuery,
        replies={200: Reply("The portfolio.", shown.InstitutionPortfolio)},
        codes=("INVALID_BODY", "PERIOD_INVALID", "REPORT_TOO_LARGE"),
    ),
    ("GET", "/v1/institution/discounts"): Operation(
        id="listFunded",
        tag=_INSTITUTION,
        summary="List the discounts that the institution funds",
        query=queries.DiscountsQuery,
        replies={200: Reply("A page of them.", answers.DiscountList, sparse=("discounts", "discount_id"))},
        codes=("INVALID_BODY", "INVALID_CURSOR"),
        links={"first": Link("readDiscount", "The first of them.", link_by("discount_id", "/discounts/0"))},
    ),
    ("GET", "/v1/institution/large-values/{day}"): Operation(
        id="readLargeValues",
        tag=_INSTITUTION,
        summary="Read a day's large values",
        description=(
            "Customers whose total of the day reaches the threshold by what the institution paid through the platform, "
            "and what of it went back, apart. The bank adds what it knows of them, and reports by `report_by`."
        ),
        replies={200: Reply("The day's large values.", shown.LargeValues)},
        codes=("PERIOD_INVALID", "REPORT_TOO_LARGE"),
    ),
    ("GET", "/v1/institution/rates"): Operation(
        id="readTerms",
        tag=_INSTITUTION,
        summary="Read the institution's rates, fee and limit",
        replies={200: Reply("In every version.", shown.InstitutionTerms)},
        codes=("INSTITUTION_UNKNOWN",),
    ),
    ("POST", "/v1/institution/rates"): Operation(
        id="proposeRates",
        tag=_INSTITUTION,
        summary="Propose a rate table",
        description="It holds once another person of the same institution has approved it.",
        body=RateTableBody,
        example=_TABLE,
        replies={201: Reply("The change.", shown.InstitutionChange, headers=("Location", *_REPLAYED))},
        codes=("RATE_TABLE",),
        links=_FROM_PROPOSAL,
    ),
    ("POST", "/v1/institution/limits"): Operation(
        id="proposeLimits",
        tag=_INSTITUTION,
        summary="Propose another limit or fee",
        description="It holds once another person of the same institution has approved it.",
        body=LimitsBody,
        example={"limit_fen": 250_000_000_000},
        replies={201: Reply("The change.", shown.InstitutionChange, headers=("Location", *_REPLAYED))},
        codes=("CHANGE_CONTENT",),
        links=_FROM_PROPOSAL,
    ),
    ("GET", "/v1/institution/changes"): Operation(
        id="listProposals",
        tag=_INSTITUTION,
        summary="List the institution's newest changes",
        replies={200: Reply("Whatever their status.", shown.InstitutionChangeList)},
        links={
            "first": Link("readProposal", "The first of them.", {"proposal_id": "$response.body#/changes/0/change_id"})
        },
    ),
    ("GET", "/v1/institution/changes/{proposal_id}"): Operation(
        id="readProposal",
        tag=_INSTITUTION,
        summary="Read one of the institution's changes",
        replies={200: Reply("The change.", shown.InstitutionChange, headers=("ETag",))},
        codes=("NOT_FOUND",),
        links={"decision": _FROM_PROPOSAL["decision"]},
    ),
    ("POST", "/v1/institution/changes/{proposal_id}/decision"): Operation(
        id="decideProposal",
        tag=_INSTITUTION,
        summary="Approve or reject a change of the institution",
        description="As the second person of the institution; who proposed it may withdraw it by a rejection.",
        body=DecisionBody,
        example={"decision": "approve"},
        replies={200: Reply("The change.", shown.InstitutionChange, headers=_REPLAYED)},
        codes=("NOT_FOUND", "WRONG_STATE", "SAME_PERSON", "CHANGE_STALE", "INSTITUTION_UNKNOWN", "RATE_TABLE"),
        if_match=True,
    ),
    ("POST", "/v1/complaints"): Operation(
        id="makeComplaint",
        tag=_COMPLAINTS,
        summary="Make a complaint",
        description="The answer acknowledges it and says by when it will be answered.",
        body=ComplaintBody,
        example={
            "about": {"kind": "discount", "id": "dsc_4syj3glkr6jt3apmgd3n43zvfh"},
            "category": "PRICE",
            "text": "利息与报价不符",
        },
        replies={201: Reply("The complaint.", shown.Complaint, headers=("Location", *_REPLAYED))},
        codes=("NOT_FOUND", "PERSONAL_DATA_ERASED"),
        links=_FROM_COMPLAINT,
    ),
    ("GET", "/v1/complaints"): Operation(
        id="listOwnComplaints",
        tag=_COMPLAINTS,
        summary="List the caller's complaints, newest first",
        query=OwnComplaintsQuery,
        replies={200: Reply("A page of them, without what was written.", shown.ComplaintList)},
        codes=("INVALID_BODY", "INVALID_CURSOR"),
        links={"first": Link("readComplaint", "The first of them.", link_by("complaint_id", "/complaints/0"))},
    ),
    ("GET", "/v1/complaints/{complaint_id}"): Operation(
        id="readComplaint",
        tag=_COMPLAINTS,
        summary="Read a complaint",
        replies={200: Reply("With everything that was written.", shown.Complaint)},
        codes=("NOT_FOUND",),
        links={name: link for name, link in _FROM_COMPLAINT.items() if name != "complaint"},
    ),
    ("POST", "/v1/complaints/{complaint_id}/reopening"): Operation(
        id="reopenComplaint",
        tag=_COMPLAINTS,
        summary="Say that the answer does not content",
        body=ReplyBody,
        example={"text": "仍不一致"},
        replies={200: Reply("The complaint, with a new date.", shown.Complaint, headers=_REPLAYED)},
        codes=("NOT_FOUND", "WRONG_STATE", "PERSONAL_DATA_ERASED"),
    ),
    ("POST", "/v1/complaints/{complaint_id}/closure"): Operation(
        id="closeComplaint",
        tag=_COMPLAINTS,
        summary="Close a complaint",
        description="It is settled, or withdrawn. The body is empty.",
        replies={200: Reply("The complaint.", shown.Complaint, headers=_REPLAYED)},
        codes=("NOT_FOUND", "WRONG_STATE", "HEADER_MISSING"),
    ),
    ("GET", "/v1/operations/complaints"): Operation(
        id="listComplaints",
        tag=_OPERATIONS,
        summary="List the complaints that wait for an answer",
        description="The most urgent first; or those that were answered or closed last.",
        query=ComplaintsQuery,
        replies={200: Reply("Without what was written.", shown.ComplaintList)},
        codes=("INVALID_BODY", "INVALID_CURSOR"),
        links={"taking": Link("takeComplaint", "Look into the first.", link_by("complaint_id", "/complaints/0"))},
    ),
    ("GET", "/v1/operations/complaints/{complaint_id}"): Operation(
        id="readComplaintAsOperations",
        tag=_OPERATIONS,
        summary="Read any complaint",
        replies={200: Reply("With everything that was written.", shown.Complaint)},
        codes=("NOT_FOUND",),
        links={"answer": Link("answerComplaint", "Answer it.", link_by("complaint_id"))},
    ),
    ("POST", "/v1/operations/complaints/{complaint_id}/taking"): Operation(
        id="takeComplaint",
        tag=_OPERATIONS,
        summary="Begin to look into a complaint",
        description="The body is empty.",
        replies={200: Reply("The complaint.", shown.Complaint, headers=_REPLAYED)},
        codes=("NOT_FOUND", "WRONG_STATE", "HEADER_MISSING"),
        links={"answer": Link("answerComplaint", "Answer it.", link_by("complaint_id"))},
    ),
    ("POST", "/v1/operations/complaints/{complaint_id}/answer"): Operation(
        id="answerComplaint",
        tag=_OPERATIONS,
        summary="Answer a complaint",
        body=ReplyBody,
        example={"text": "已核对，利息无误"},
        replies={200: Reply("The complaint.", shown.Complaint, headers=_REPLAYED)},
        codes=("NOT_FOUND", "WRONG_STATE", "PERSONAL_DATA_ERASED"),
    ),
}
"""By method and path."""
