"""What partners are told of: the public, versioned types of domain events, and what of each event they see.

A type's fields are a promise: within a version none is taken away or changes its meaning, and optional ones may be
added. What is neither promised nor withheld here breaks a test before it can leave. `docs/events/` is made from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rongtong.domain.canonical import canonical_bytes

Document = dict[str, Any]
PREFIX = "com.rongtong."
TEST_TYPE = f"{PREFIX}webhook.test.v1"
SEQUENCE_DIGITS = 10
_NUMBER_DIGITS = 4
_DISCOUNT, _ENTERPRISE = "discount_id", "enterprise_id"
COLLECTIONS: Mapping[str, str] = {
    _DISCOUNT: "discounts",
    _ENTERPRISE: "enterprises",
    "endpoint_id": "webhook-endpoints",
}


@dataclass(frozen=True)
class Field:
    """One member of ``data``: its JSON Schema, an example, and whether it is always there."""

    schema: Document
    example: Any
    always: bool = True


@dataclass(frozen=True)
class PublicType:
    """A public type; ``withheld`` are members of the domain event that stay inside."""

    name: str
    subject: str
    what: str
    fields: Mapping[str, Field] = field(default_factory=dict)
    withheld: frozenset[str] = frozenset()


def _text(what: str, example: str, **more: Any) -> Field:
    always = bool(more.pop("always", True))
    return Field({"type": "string", "description": what, **more}, example, always)


def _fen(what: str, example: int, **more: Any) -> Field:
    return Field(
        {"type": "integer", "minimum": 0, "description": f"{what}, in fen"}, example, bool(more.get("always", True))
    )


_REASON = _text("Reason code", "BILL_NOT_FOUND", pattern="^[A-Z][A-Z0-9_]*$")
_REASON_IF_ANY = Field(
    {**_REASON.schema, "description": "Reason code, where there is one"}, "TRADE_MISSING", always=False
)
_REFERENCE = _text("The payment's permanent reference", "RTNQQYLLLYMLMAZ7JEFZ6LR77QT301")
_AMOUNT = _fen("What was paid", 157_970_851)

_VERIFIED = {
    "outcome": _text("What verification decided", "approve", enum=["approve", "review", "reject"]),
    "reason": _REASON_IF_ANY,
    "annual_rate": _text("Percent per year, six places", "1.405000", always=False),
    "days": Field({"type": "integer", "minimum": 1, "description": "Days of interest"}, 161, always=False),
    "interest_fen": _fen("Discount interest", 998_882, always=False),
    "buyer_interest_fen": _fen("The buyer's part of it", 100_000, always=False),
    "fee_fen": _fen("Fee", 1_000, always=False),
    "proceeds_fen": _fen("What is paid out", 157_970_851, always=False),
}
_REQUESTED = {
    "enterprise_id": _text("Who asked", "ent_65cc3sjf4jrfjhu5blsbjpb75q"),
    "bill_number": _text("The bill's 30 digits", "532529000001220260323000002550", pattern="^[0-9]{30}$"),
    "range": _text("The sub-bill range that is discounted; 0 for one that is not divided", "000000000001-000158969733"),
    "amount_fen": _fen("Its face amount", 158_969_733),
    "kind": _text("Bank's or commercial bill", "AC01", enum=["AC01", "AC02"]),
    "maturity_date": _text("Maturity", "2026-09-23", format="date"),
    "quote_id": _text("The quote, where one was named", "quo_5ajwhs2dxtqeyc5dkp6xyoghbl", always=False),
}
_PAID = {
    "reference": _REFERENCE,
    "amount_fen": _AMOUNT,
    "bank_serial": _text("The bank's number of the booking", "SB159", always=False),
    "endorsed": Field(
        {"type": "boolean", "description": "false where the bill is not endorsed yet"}, False, always=False
    ),
}
_RETURNED = {
    "reference": _REFERENCE,
    "amount_fen": _fen("What came back", 157_970_851),
    "how": _text("Returned by the payee's bank, or reversed", "RETURNED", enum=["RETURNED", "REVERSED"]),
    "reason": _text("The bank's word for why", "ACCOUNT_CLOSED", always=False),
}

PUBLIC: Mapping[str, PublicType] = {
    "EnterpriseRegistered": PublicType(
        "enterprise.registered.v1",
        _ENTERPRISE,
        "An enterprise was registered; its verification goes on.",
        {"uscc": _text("Unified social credit code", "91350100MA00001386")},
        frozenset({"partner_id", "terms_version", "covers"}),
    ),
    "EnterpriseVerified": PublicType(
        "enterprise.verified.v1", _ENTERPRISE, "An enterprise may discount.", withheld=frozenset({"reason"})
    ),
    "EnterpriseRefused": PublicType(
        "enterprise.refused.v1", _ENTERPRISE, "An enterprise was refused.", {"reason": _REASON}
    ),
    "AccountChanged": PublicType("enterprise.account_changed.v1", _ENTERPRISE, "It is paid to another account now."),
    "EnterpriseClosed": PublicType(
        "enterprise.closed.v1",
        _ENTERPRISE,
        "An enterprise was closed; its data is restricted.",
        {"retain_until": _text("Until when the law has it kept", "2036-04-15T02:00:00.000Z", format="date-time")},
        frozenset({"reason"}),
    ),
    "PersonalDataErased": PublicType(
        "enterprise.erased.v1",
        _ENTERPRISE,
        "An enterprise's personal data is erased.",
        withheld=frozenset({"retained_until", "fields", "operators"}),
    ),
    "DiscountRequested": PublicType(
        "discount.requested.v1",
        _DISCOUNT,
        "A discount was accepted; range and limits are taken.",
        _REQUESTED,
        frozenset(
            {
                *("institution_id", "partner_id", "applicant_uscc", "issue_date", "acceptor_bank_code", "confirmed_by"),
                *("factors", "order_number", "order_amount_fen", "order_date", "order_buyer_uscc", "invoice_number"),
                *(
                    "deal_amount_fen",
                    "money_flows",
                    "deliveries",
                    "interest",
                    "payee_account_sealed",
                    "whole",
                    "access",
                ),
            }
        ),
    ),
    "BillVerified": PublicType(
        "discount.verified.v1",
        _DISCOUNT,
        "The bill was verified and priced; with the outcome review a person decides.",
        _VERIFIED,
        frozenset(
            {"passed", "found", "findings_sha256", "holding_id", "acceptor", "invoice_status", "trade_basis"}
            | {"face_fen", "due_date"}
        ),
    ),
    "ReviewDecided": PublicType(
        "discount.review_decided.v1",
        _DISCOUNT,
        "A reviewer has decided.",
        {"decision": _text("The decision", "approve", enum=["approve", "reject"])},
        frozenset({"note_sha256"}),
    ),
    "DiscountConfirmed": PublicType(
        "discount.confirmed.v1",
        _DISCOUNT,
        "The enterprise's operator has confirmed it.",
        {
            "factors": Field(
                {"type": "array", "items": {"type": "string"}, "description": "What the operator has shown"},
                ["password", "otp"],
            )
        },
        frozenset({"operator", "challenge_id", "binding_sha256"}),
    ),
    "ContractSealed": PublicType(
        "discount.sealed.v1",
        _DISCOUNT,
        "The contract is archived and its hash is in the evidence log.",
        {"contract_sha256": _text("SHA-256 of the contract", "1146b144" * 8, pattern="^[0-9a-f]{64}$")},
        frozenset({"contract_key"}),
    ),
    "DiscountPaid": PublicType("discount.paid.v1", _DISCOUNT, "The money is out.", _PAID),
    "PaymentReturned": PublicType("discount.payment_returned.v1", _DISCOUNT, "The money has come back.", _RETURNED),
    "BillEndorsed": PublicType("discount.endorsed.v1", _DISCOUNT, "A paid bill that was not endorsed is endorsed now."),
    "DiscountRefused": PublicType(
        "discount.refused.v1", _DISCOUNT, "A rule refused it; range and limits are given back.", {"reason": _REASON}
    ),
    "DiscountFailed": PublicType(
        "discount.failed.v1",
        _DISCOUNT,
        "A fault ended it; range and limits are given back.",
        {"reason": _text("Reason code", "PAYEE_REFUSED", pattern="^[A-Z][A-Z0-9_]*$")},
    ),
}
"""Public types by the name of their domain event."""

INTERNAL = frozenset(
    {
        "ConfirmationAsked",
        "ConfirmationRefused",
        "ConsentGiven",
        "ConsentWithdrawn",
        "EnterpriseTold",
        "ExecutionReplayed",
        "LoginPasswordChanged",
        "OperatorActivated",
        "OperatorChanged",
        "OperatorLocked",
        "OperatorRegistered",
        "PaymentPasswordChanged",
        "PaymentPasswordSet",
    }
)
"""Events of discounts and enterprises that are the platform's own business."""
_TEST = PublicType("webhook.test.v1", "endpoint_id", "Sent by the test button; nothing has happened.")
TYPES: Mapping[str, PublicType] = {PREFIX + one.name: one for one in (*PUBLIC.values(), _TEST)}
"""Every type that an envelope can have."""


def event_id(subject_id: str, number: int) -> str:
    """An event's permanent id, which is also its webhook's: a repeat bears the same one."""
    return f"{subject_id}-{number:0{_NUMBER_DIGITS}d}"


def split_event_id(text: str) -> tuple[str, int] | None:
    """Subject and number of an event's id; None for a text that is none."""
    subject_id, _, digits = text.rpartition("-")
    if not subject_id or not digits.isascii() or not digits.isdigit() or len(digits) > SEQUENCE_DIGITS:
        return None
    return (subject_id, int(digits)) if event_id(subject_id, int(digits)) == text else None


def envelope(event: Mapping[str, Any], origin: str) -> Document | None:
    """A domain event as a CloudEvents 1.0 document (JSON format), None where it is not public.

    ``origin`` names the platform. ``sequence`` (CloudEvents extension) orders the events of one source as text; it has
    gaps where an event is internal or its type not asked for.
    """
    public = PUBLIC.get(str(event["type"]))
    if public is None:
        return None
    data = {name: event["data"][name] for name in public.fields if event["data"].get(name) is not None}
    return _document(public, str(event[public.subject]), int(event["n"]), str(event["at"]), data, origin)


def trial_envelope(endpoint_id: str, number: int, at: str, origin: str) -> Document:
    """What the test button sends."""
    return _document(_TEST, endpoint_id, number, at, {}, origin)


def body_of(document: Document) -> bytes:
    """The bytes that are signed and sent: the same at every attempt."""
    return canonical_bytes(document)


def _document(public: PublicType, subject_id: str, number: int, at: str, data: Document, origin: str) -> Document:
    return {
        "specversion": "1.0",
        "id": event_id(subject_id, number),
        "source": f"//{origin}/{COLLECTIONS[public.subject]}/{subject_id}",
        "type": PREFIX + public.name,
        "subject": subject_id,
        "time": at,
        "datacontenttype": "application/json",
        "dataschema": schema_uri(PREFIX + public.name),
        "sequence": f"{number:0{SEQUENCE_DIGITS}d}",
        "data": {public.subject: subject_id, **data},
    }


def schema_uri(type_name: str) -> str:
    """The name of a type's schema; docs/events/ has it in the file of that type."""
    return f"urn:rongtong:event:{type_name}"


def schema_of(type_name: str) -> Document:
    """JSON Schema (2020-12) of a type's whole envelope, with an example."""
    public = TYPES[type_name]
    members = {public.subject: _text("Whose event it is", _EXAMPLE_IDS[public.subject]), **public.fields}
    required = [name for name, one in members.items() if one.always]
    example = _document(
        public,
        _EXAMPLE_IDS[public.subject],
        4,
        "2026-04-15T02:00:01.250Z",
        {name: one.example for name, one in public.fields.items()},
        "rongtong.example",
    )
    constants = {name: {"const": example[name]} for name in ("specversion", "type", "datacontenttype", "dataschema")}
    texts: Document = {name: {"type": "string", "minLength": 1} for name in ("id", "source", "subject")}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": schema_uri(type_name),
        "title": type_name,
        "description": public.what,
        "type": "object",
        "required": list(example),
        "additionalProperties": False,
        "properties": {
            **constants,
            **texts,
            "time": {"type": "string", "format": "date-time"},
            "sequence": {"type": "string", "pattern": f"^[0-9]{{{SEQUENCE_DIGITS}}}$"},
            "data": {
                "type": "object",
                "required": required,
                "additionalProperties": False,
                "properties": {name: one.schema for name, one in members.items()},
            },
        },
        "examples": [example],
    }


_EXAMPLE_IDS: Mapping[str, str] = {
    _DISCOUNT: "dsc_nqqylllymlmaz7jefz6lr77qt3",
    _ENTERPRISE: "ent_65cc3sjf4jrfjhu5blsbjpb75q",
    "endpoint_id": "whe_q3m5cw3kq5wn6s2lqk4gw2m2ea",
}
