"""Sealing: the contract is archived, its hash and the deal so far stand in the evidence log, and a quorum of witnesses
has cosigned the log there, before money moves. Where payment waits for a chain, it holds that checkpoint too.

Disbursement refuses a discount of which any of this is missing.
"""

from __future__ import annotations

import hashlib

from rongtong.domain.canonical import canonical_bytes
from rongtong.domain.lifecycle import DiscountStatus, require_discount_transition
from rongtong.services.anchoring import anchor
from rongtong.services.context import Context
from rongtong.services.cosigning import witnessed
from rongtong.services.discounts import load, request_key, request_of
from rongtong.services.errors import PriceExpiredError
from rongtong.services.evidence_log import append_pending, pending
from rongtong.services.records import STATE, change_writes, enterprise_pk, institution_pk, logged_until
from rongtong.services.settings import institution_of
from rongtong.services.storage import Document, Item

_PRICE = (
    "face_fen",
    "annual_rate",
    "days",
    "due_date",
    "interest_fen",
    "buyer_interest_fen",
    "fee_fen",
    "proceeds_fen",
)
_SEALED_OR_LATER = frozenset({DiscountStatus.SEALED, DiscountStatus.DISBURSED, DiscountStatus.RETURNED})


def seal(context: Context, discount_id: str) -> Document:
    """Archive the contract, log every event so far with the contract's SHA-256, have the log cosigned. Safe to repeat.

    Raises TransitionError when the discount was not verified and confirmed, PriceExpiredError, NoQuorumError; where
    payment waits for a chain also ChainUnavailableError, ChainRefusedError, ChainConflictError.
    """
    item = load(context, discount_id)
    status = DiscountStatus(item.body["status"])
    if status not in _SEALED_OR_LATER:
        require_discount_transition(status, DiscountStatus.SEALED)
        require_priced_today(context, item)
        content = contract_bytes(context, item)
        digest = hashlib.sha256(content).hexdigest()
        context.archive.put(contract_key(discount_id, digest), content)
        data: Document = {"contract_sha256": digest, "contract_key": contract_key(discount_id, digest)}
        changes: Document = {"status": DiscountStatus.SEALED.value, "contract_sha256": digest}
        context.store.transact(change_writes(item, "discount_id", changes, "ContractSealed", context.clock.now(), data))
        item = load(context, discount_id)
    until = logged_until(append_pending(context, item).body)
    witnessed(context, until)
    if context.payment_waits_for_chain:
        anchor(context, until)
    return {"discount_id": discount_id, "sealed": True}


def require_priced_today(context: Context, item: Item) -> None:
    """Raises PriceExpiredError unless the discount was verified and priced today.

    Interest counts from the day of payment, and the bill was looked at on the day of its verification: a discount that
    waited for a person overnight is refused, and asked for again at the new day's price.
    """
    today = context.calendar.shanghai_date(context.clock.now()).isoformat()
    if item.body.get("priced_on") != today:
        raise PriceExpiredError("The discount was priced on another day; request it again.")


def record(context: Context, pk: str) -> Document:
    """Log what an aggregate has not logged yet. Safe to repeat."""
    item = context.store.get(pk, STATE)
    recorded = item is not None and bool(pending(item))
    if item is not None:
        append_pending(context, item)
    return {"subject": pk, "recorded": recorded}


def contract_key(discount_id: str, sha256: str) -> str:
    """Where the archive keeps the contract; the hash in the key lets a repeated attempt never meet other content."""
    return f"contracts/{discount_id}/{sha256}.json"


def contract_bytes(context: Context, item: Item) -> bytes:
    """The discount contract (票据贴现协议) as canonical bytes: parties, bill, price, and what was confirmed by whom."""
    body = item.body
    discount_id = str(body["discount_id"])
    enterprise, funding, first_event = context.store.get_many(
        [
            (enterprise_pk(str(body["enterprise_id"])), STATE),
            (institution_pk(str(body["institution_id"])), STATE),
            request_key(discount_id),
        ]
    )
    assert enterprise is not None, "a discount is accepted only for an enterprise that exists"
    institution, request = institution_of(funding), request_of(first_event)
    terms: Document = {
        "format": "rongtong-contract/1",
        "discount_id": discount_id,
        "applicant": {"name": enterprise.body["name"], "uscc": enterprise.body["uscc"]},
        "institution": {"name": institution["name"], "uscc": institution["uscc"]},
        "bill": {key: request[key] for key in ("bill_number", "range", "kind", "issue_date", "maturity_date")},
        "terms": {key: request[key] for key in ("interest", "quote_id") if key in request},
        "payee_account": enterprise.body["masked"]["account_number"],
        "confirmed_by": body.get("confirmed_by") or request["confirmed_by"],
        **{key: body[key] for key in _PRICE if key in body},
    }
    return canonical_bytes(terms)
