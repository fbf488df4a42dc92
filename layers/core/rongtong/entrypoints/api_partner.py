"""The description of the partners' routes and of the public ones."""

from __future__ import annotations

from collections.abc import Mapping

from rongtong.entrypoints import answers, queries
from rongtong.entrypoints.api_table import ACCEPTANCE, HOURS, Link, Operation, Reply, link_by
from rongtong.entrypoints.models import AccountBody, Confirmation, DiscountBody, EnterpriseBody, QuoteBody

_ENTERPRISES, _QUOTES, _DISCOUNTS, _LOG = "Enterprises", "Quotes", "Discounts", "Evidence log"
_COMPANY = ("USCC_INVALID", "BANK_CODE_INVALID")
_READ_DISCOUNT = {
    "discount": Link("readDiscount", "Where it stands.", link_by("discount_id")),
    "timeline": Link("readTimeline", "What happened to it.", link_by("discount_id")),
}
_FROM_DISCOUNT = {
    **_READ_DISCOUNT,
    "receipt": Link("readReceipt", "Its proof, once it has ended.", link_by("discount_id")),
    "confirmation": Link("confirmDiscount", "The operator's confirmation.", link_by("discount_id")),
}
_FROM_ENTERPRISE = {
    "enterprise": Link("readEnterprise", "Where it stands.", link_by("enterprise_id")),
    "account": Link("changeAccount", "Pay it to another account.", link_by("enterprise_id")),
}
_ACCOUNT = {
    "bank_code": "309391000011",
    "account_number": "350100100000000001",
    "account_name": "示例供应商01号有限公司",
}
_ENTERPRISE = {
    "name": "示例供应商01号有限公司",
    "uscc": "91350100MA00000155",
    "legal_representative": "示例甲",
    "mobile": "13800000001",
    "account": _ACCOUNT,
    "consent": {"terms_version": "2026-01"},
    "profile": {"registered_on": "2019-05-20", "capital_fen": 1_000_000_000},
}
_CONFIRMATION = {"operator": "operator-1", "factors": ["password", "otp"], "access": {"region": "350100"}}
_DISCOUNT = {
    "enterprise_id": "ent_nzfju3c3xv6chtovrrfhqyo6fx",
    "institution_id": "bank-1",
    "bill": {
        "number": "531310000001320260304000000016",
        "range": "000894000001-001239000000",
        "amount_fen": 345_000_000,
        "kind": "AC01",
        "issue_date": "2026-03-04",
        "maturity_date": "2026-07-04",
        "acceptor_bank_code": "313100000013",
    },
    "trade": {
        "order_number": "PO-2026-00001",
        "order_amount_fen": 345_000_000,
        "order_date": "2026-01-16",
        "order_buyer_uscc": "91350100MA0001202D",
        "invoice_number": "26352000000000000001",
    },
    "payee_account": "350100100000000009",
    "confirmation": _CONFIRMATION,
}
_QUOTE = {
    "institution_ids": ["bank-1", "bank-3", "bank-4"],
    "kind": "AC01",
    "acceptor_bank_code": "313301099999",
    "amount_fen": 120_538_371,
    "maturity_date": "2026-05-24",
}
_NOT_ENDED = "409 until it has ended and all its events are recorded; `python -m rongtong.verify` checks it offline."
_TILE = Reply("The file's bytes; they never change.", media="application/octet-stream", headers=("Cache-Control",))


def _tile(number: int) -> Operation:
    return Operation(
        id=f"readTile{number}",
        tag=_LOG,
        summary="A file of the evidence log",
        description=(
            "A tile or a bundle of entries (C2SP tlog-tiles), its number in groups of three digits. Ask with "
            "`Accept: application/octet-stream`."
        ),
        replies={200: _TILE},
        codes=("NOT_FOUND",),
    )


PARTNER: Mapping[tuple[str, str], Operation] = {
    ("POST", "/v1/enterprises"): Operation(
        id="registerEnterprise",
        tag=_ENTERPRISES,
        summary="Register a supplier",
        description="Its verification goes on by itself. One that is registered already is answered as it stands.",
        body=EnterpriseBody,
        example=_ENTERPRISE,
        replies={202: Reply("The enterprise.", answers.Enterprise, headers=("Idempotent-Replayed",))},
        codes=(*_COMPANY, "MOBILE_INVALID"),
        links=_FROM_ENTERPRISE,
    ),
    ("GET", "/v1/enterprises"): Operation(
        id="listEnterprises",
        tag=_ENTERPRISES,
        summary="List the enterprises",
        query=queries.EnterprisesQuery,
        replies={
            200: Reply("A page of them.", answers.EnterpriseList, sparse=("enterprises", "enterprise_id")),
        },
        codes=("INVALID_BODY", "INVALID_CURSOR"),
        links={
            "first": Link("readEnterprise", "The first of them.", link_by("enterprise_id", "/enterprises/0")),
        },
    ),
    ("GET", "/v1/enterprises/{enterprise_id}"): Operation(
        id="readEnterprise",
        tag=_ENTERPRISES,
        summary="Read an enterprise, masked",
        replies={200: Reply("The enterprise.", answers.Enterprise, headers=("ETag",))},
        codes=("NOT_FOUND",),
    ),
    ("POST", "/v1/enterprises/{enterprise_id}/account"): Operation(
        id="changeAccount",
        tag=_ENTERPRISES,
        summary="Pay an enterprise to another account of its own",
        description="From now on, once the bank confirms that the same company holds it.",
        body=AccountBody,
        example={"account": _ACCOUNT},
        replies={200: Reply("The enterprise.", answers.Enterprise, headers=("Idempotent-Replayed",))},
        codes=(
            "NOT_FOUND",
            "ENTERPRISE_NOT_ACTIVE",
            "BANK_CODE_INVALID",
            "ACCOUNT_NOT_VERIFIED",
            "WRONG_STATE",
            "BANK_UNAVAILABLE",
        ),
        if_match=True,
    ),
    ("POST", "/v1/quotes"): Operation(
        id="askQuote",
        tag=_QUOTES,
        summary="Ask several institutions for one bill",
        body=QuoteBody,
        example=_QUOTE,
        replies={201: Reply("Every offer, best first.", answers.Quote, headers=("Location", "Idempotent-Replayed"))},
        codes=(
            *HOURS,
            "INSTITUTION_UNKNOWN",
            "ACCEPTOR_UNKNOWN",
            "MATURITY_NOT_AFTER_DISCOUNT",
            "MATURITY_TOO_FAR",
        ),
        links={"quote": Link("readQuote", "The same again.", link_by("quote_id"))},
    ),
    ("GET", "/v1/quotes"): Operation(
        id="listQuotes",
        tag=_QUOTES,
        summary="List the quotes",
        query=queries.QuotesQuery,
        replies={200: Reply("A page of them.", answers.QuoteList, sparse=("quotes", "quote_id"))},
        codes=("INVALID_BODY", "INVALID_CURSOR"),
        links={"first": Link("readQuote", "The first of them.", link_by("quote_id", "/quotes/0"))},
    ),
    ("GET", "/v1/quotes/{quote_id}"): Operation(
        id="readQuote",
        tag=_QUOTES,
        summary="Read a quote, also after it has expired",
        replies={200: Reply("The quote.", answers.Quote)},
        codes=("NOT_FOUND",),
    ),
    ("POST", "/v1/discounts"): Operation(
        id="requestDiscount",
        tag=_DISCOUNTS,
        summary="Request the discount of a bill range",
        description="Range and limits are taken when it is answered; verification and payment go on by themselves.",
        body=DiscountBody,
        example=_DISCOUNT,
        replies={
            202: Reply(
                "The discount as it was accepted; a repeat is answered with the same.",
                answers.Discount,
                headers=("Location", "Idempotent-Replayed"),
            )
        },
        codes=(
            *ACCEPTANCE,
            "CALENDAR_UNCONFIRMED",
            "KIND_MISMATCH",
            "SUSPENDED",
            "ENTERPRISE_CLOSED",
            "CONSENT_WITHDRAWN",
        ),
        links=_FROM_DISCOUNT,
    ),
    ("GET", "/v1/discounts"): Operation(
        id="listDiscounts",
        tag=_DISCOUNTS,
        summary="List the discounts",
        query=queries.DiscountsQuery,
        replies={200: Reply("A page of them.", answers.DiscountList, sparse=("discounts", "discount_id"))},
        codes=("INVALID_BODY", "INVALID_CURSOR"),
        links={
            "first": Link("readDiscount", "The first of them.", link_by("discount_id", "/discounts/0")),
            "timeline": Link("readTimeline", "What happened to it.", link_by("discount_id", "/discounts/0")),
        },
    ),
    ("GET", "/v1/discounts/{discount_id}"): Operation(
        id="readDiscount",
        tag=_DISCOUNTS,
        summary="Read a discount",
        replies={200: Reply("The discount.", answers.Discount, headers=("ETag",))},
        codes=("NOT_FOUND",),
        links={name: link for name, link in _FROM_DISCOUNT.items() if name != "discount"},
    ),
    ("GET", "/v1/discounts/{discount_id}/timeline"): Operation(
        id="readTimeline",
        tag=_DISCOUNTS,
        summary="Read a discount's events",
        replies={200: Reply("The events, oldest first.", answers.Timeline)},
        codes=("NOT_FOUND",),
        links={"discount": _READ_DISCOUNT["discount"]},
    ),
    ("POST", "/v1/discounts/{discount_id}/confirmation"): Operation(
        id="confirmDiscount",
        tag=_DISCOUNTS,
        summary="Confirm a discount with the operator's two factors",
        description="Where the request had none: while it is AWAITING_CONFIRMATION.",
        body=Confirmation,
        example=_CONFIRMATION,
        replies={200: Reply("The discount.", answers.Discount, headers=("Idempotent-Replayed",))},
        codes=("NOT_FOUND", "WRONG_STATE"),
        if_match=True,
        links=_READ_DISCOUNT,
    ),
    ("GET", "/v1/discounts/{discount_id}/receipt"): Operation(
        id="readReceipt",
        tag=_DISCOUNTS,
        summary="Read a discount's proof",
        description=_NOT_ENDED,
        replies={200: Reply("The receipt; keep its very bytes.", answers.Receipt)},
        codes=("NOT_FOUND", "WRONG_STATE", "NO_QUORUM"),
    ),
    ("GET", "/v1/status"): Operation(
        id="readStatus",
        tag="Status",
        summary="Whether new requests are accepted now",
        replies={200: Reply("What is open and what is suspended.", answers.Status)},
    ),
    ("GET", "/v1/openapi.json"): Operation(
        id="readDescription",
        tag="Status",
        summary="This document",
        replies={200: Reply("OpenAPI 3.1.", media="application/json", headers=("Cache-Control",))},
    ),
    ("GET", "/console"): Operation(
        id="readConsole",
        tag="Console",
        summary="Read the page for operations and institutions",
        description="It asks the other routes with its reader's key, which stays in the browser.",
        replies={200: Reply("The page.", media="text/html")},
    ),
    ("GET", "/console/{file}"): Operation(
        id="readConsoleFile",
        tag="Console",
        summary="Read a script of that page, or its style",
        replies={200: Reply("The file.", media="text/javascript", others=("text/css",))},
        codes=("NOT_FOUND",),
    ),
    ("GET", "/v1/log/checkpoint"): Operation(
        id="readCheckpoint",
        tag=_LOG,
        summary="The log's newest head under a quorum of witnesses",
        replies={200: Reply("A C2SP checkpoint.", media="text/plain", headers=("Cache-Control",))},
        codes=("NOT_FOUND",),
    ),
    ("GET", "/v1/log/tile/{level}/{a}"): _tile(1),
    ("GET", "/v1/log/tile/{level}/{a}/{b}"): _tile(2),
    ("GET", "/v1/log/tile/{level}/{a}/{b}/{c}"): _tile(3),
    ("GET", "/v1/log/tile/{level}/{a}/{b}/{c}/{d}"): _tile(4),
}
"""By method and path."""
