"""The description of the routes about personal data."""

from __future__ import annotations

from collections.abc import Mapping

from rongtong.entrypoints import answers_personal as shown
from rongtong.entrypoints.answers import Enterprise
from rongtong.entrypoints.api_table import Link, Operation, Reply, link_by
from rongtong.entrypoints.personal_models import ClosureBody, ConsentBody, DisclosureBody, ExportQuery

_TAG = "Personal data"
_ENTERPRISE = "/v1/enterprises/{enterprise_id}"
_REPLAYED = ("Idempotent-Replayed",)
_LIMITED = ("NOT_FOUND", "PERSONAL_DATA_ERASED", "DISCLOSURES_TOO_MANY", "SEALED_DATA_DAMAGED")

PERSONAL: Mapping[tuple[str, str], Operation] = {
    ("GET", _ENTERPRISE + "/consents"): Operation(
        id="listConsents",
        tag=_TAG,
        summary="List an enterprise's consents with their source",
        replies={200: Reply("The newest first.", shown.ConsentList)},
        codes=("NOT_FOUND",),
    ),
    ("POST", _ENTERPRISE + "/consents"): Operation(
        id="giveConsent",
        tag=_TAG,
        summary="Pass on that an enterprise consents to a version of the terms",
        body=ConsentBody,
        example={"terms_version": "2026-02"},
        replies={200: Reply("Its consents.", shown.ConsentList, headers=_REPLAYED)},
        codes=("NOT_FOUND", "ENTERPRISE_CLOSED"),
        links={"withdrawal": Link("withdrawConsent", "It consents no more.", link_by("enterprise_id"))},
    ),
    ("POST", _ENTERPRISE + "/consents/withdrawal"): Operation(
        id="withdrawConsent",
        tag=_TAG,
        summary="Withdraw an enterprise's consent",
        description="No new discount is taken from then on (CONSENT_WITHDRAWN); what runs goes on and is paid.",
        replies={200: Reply("Its consents.", shown.ConsentList, headers=_REPLAYED)},
        codes=("NOT_FOUND",),
    ),
    ("POST", _ENTERPRISE + "/disclosures"): Operation(
        id="disclosePersonalData",
        tag=_TAG,
        summary="Show an operator its enterprise's personal data in full, once",
        description=(
            "The operator proves a fresh login and a code that was asked for with the purpose `disclosure`. Who, when, "
            "why and which fields are recorded before anything is shown. Keep the answer nowhere."
        ),
        body=DisclosureBody,
        example={
            "operator_id": "opr_l2ey4uvbq3v6s63dkwifgjs5qb",
            "access_token": "eyJraWQiOiJrMSJ9.e30.c2ln",
            "code": "123456",
            "reason": "DATA_SUBJECT_REQUEST",
            "fields": ["mobile"],
        },
        replies={200: Reply("The fields, in full.", shown.Disclosed)},
        codes=(
            *_LIMITED,
            "ENTERPRISE_CLOSED",
            "OPERATOR_NOT_ACTIVE",
            "LOGIN_REQUIRED",
            "ACCOUNTS_UNAVAILABLE",
            "CODE_MISMATCH",
            "CODE_EXPIRED",
            "CODE_LOCKED",
        ),
    ),
    ("GET", _ENTERPRISE + "/export"): Operation(
        id="exportPersonalData",
        tag=_TAG,
        summary="Hand out what the platform holds of an enterprise, masked",
        description="Page by page; discounts and bills go on while there is a `next_cursor`.",
        query=ExportQuery,
        replies={200: Reply("A page of it.", shown.Export)},
        codes=("NOT_FOUND", "INVALID_BODY", "INVALID_CURSOR"),
    ),
    ("POST", _ENTERPRISE + "/closure"): Operation(
        id="closeEnterprise",
        tag=_TAG,
        summary="Close an enterprise for good",
        description=(
            "Refused while discounts are live, incidents open or complaints unanswered; the text says which. New "
            "business stops, its operators' access ends, its data is restricted and erased after `retain_until`."
        ),
        body=ClosureBody,
        example={"reason": "DELETION_REQUESTED"},
        replies={200: Reply("The enterprise.", Enterprise, headers=_REPLAYED)},
        codes=("NOT_FOUND", "WRONG_STATE", "CLOSURE_BLOCKED", "ACCOUNTS_UNAVAILABLE"),
        links={"enterprise": Link("readEnterprise", "Where it stands.", link_by("enterprise_id"))},
    ),
    ("POST", "/v1/operations/enterprises/{enterprise_id}/disclosures"): Operation(
        id="disclosePersonalDataToOperations",
        tag="Operations",
        summary="Show what another person has approved of an enterprise's personal data, in full, once",
        description=(
            "To the proposer of a change of the kind `disclosure`, within a day of its approval. Who, when, why and "
            "which fields are recorded before anything is shown."
        ),
        replies={200: Reply("The fields, in full.", shown.Disclosed)},
        codes=(*_LIMITED, "DISCLOSURE_NOT_APPROVED"),
    ),
}
"""By method and path."""
