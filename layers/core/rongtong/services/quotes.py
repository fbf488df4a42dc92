"""Quotes: several institutions asked side by side for one bill, the best offer first, kept until they expire."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

from rongtong.domain.bill_codes import BillKind
from rongtong.domain.canonical import canonical_bytes
from rongtong.domain.errors import InvalidInputError
from rongtong.domain.interest import InterestPayer, Price, Repurchase, deduction_of
from rongtong.domain.money import fen_to_yuan
from rongtong.domain.quote import Bid, Offer, expires_at, offers
from rongtong.services.context import Context
from rongtong.services.errors import IdempotencyMismatchError
from rongtong.services.records import (
    ACCEPTORS_KEY,
    POLICY_KEY,
    QUOTES,
    STATE,
    calendar_key,
    derived_id,
    first_writes,
    institution_pk,
    iso,
    partner_list,
    partner_pk,
    quote_pk,
    tenant_key,
)
from rongtong.services.settings import (
    acceptors_of,
    calendar_of,
    fee_of,
    institution_of,
    policy_of,
    rate_tables_of,
    require_agreed,
)
from rongtong.services.storage import Document, Item, Owned, WriteConflictError

_HIDDEN = frozenset({"partner_id", "body_digest", "events", "logged", "put_off"})


class QuoteError(InvalidInputError):
    """A quote cannot be used for this discount. Codes QUOTE_UNKNOWN, QUOTE_EXPIRED, QUOTE_MISMATCH."""

    code = "QUOTE_UNKNOWN"


@dataclass(frozen=True)
class AskQuote:
    """What a partner asks the institutions for. Amounts in fen, dates ISO 8601."""

    partner_id: str
    idempotency_key: str
    body_digest: str
    institution_ids: tuple[str, ...]
    kind: str
    acceptor_bank_code: str
    amount_fen: int
    maturity_date: str
    interest: Document | None = None
    repurchase: Document | None = None
    """A redemption can be quoted; it is not discounted yet, for want of its steps at the registry."""


class QuotedBill(Protocol):
    """What a discount request says of what was quoted."""

    @property
    def partner_id(self) -> str: ...
    @property
    def institution_id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def acceptor_bank_code(self) -> str: ...
    @property
    def maturity_date(self) -> str: ...
    @property
    def interest(self) -> Document | None: ...


def ask(context: Context, command: AskQuote) -> tuple[Document, bool]:
    """Every institution's offer, best first, or why it makes none. A repeat answers the same quote and False.

    Raises InstitutionUnknownError, AcceptorUnknownError, CalendarError, IdempotencyMismatchError.
    """
    quote_id = derived_id("quo", command.partner_id, command.idempotency_key)
    now = context.clock.now()
    today, maturity = context.calendar.shanghai_date(now), date.fromisoformat(command.maturity_date)
    known, partner, policy_item, tenant, directory, *rest = context.store.get_many(
        [
            (quote_pk(quote_id), STATE),
            (partner_pk(command.partner_id), STATE),
            POLICY_KEY,
            tenant_key(command.partner_id),
            ACCEPTORS_KEY,
            calendar_key(today.year),
            calendar_key(maturity.year),
            calendar_key(maturity.year + 1),
            *[(institution_pk(institution_id), STATE) for institution_id in command.institution_ids],
        ]
    )
    if known is not None:
        return _repeat(known, command), False
    policy = policy_of(policy_item, tenant)
    calendar = calendar_of(context.calendar, rest[:3], policy)
    calendar.require_service_hours(now)
    for institution_id in command.institution_ids:
        require_agreed(partner, institution_id)
    acceptor_class = acceptors_of(directory).class_of(command.acceptor_bank_code, BillKind(command.kind))
    found = offers(
        [_bid(institution_of(item)) for item in rest[3:]],
        face_fen=command.amount_fen,
        acceptor_class=acceptor_class,
        discount_date=today,
        instant=now,
        maturity=maturity,
        calendar=calendar,
        **terms_of(command.interest, command.repurchase),
    )
    body: Document = {
        "quote_id": quote_id,
        "partner_id": command.partner_id,
        "body_digest": command.body_digest,
        "quoted_at": iso(now),
        "expires_at": iso(expires_at(now, calendar, policy.quote_minutes)),
        "bill": {**_named(command), "amount_fen": command.amount_fen},
        **({"repurchase": command.repurchase} if command.repurchase else {}),
        "acceptor_class": acceptor_class,
        "offers": [_offer(offer) for offer in found],
    }
    try:
        data: Document = {
            "partner_id": command.partner_id,
            "bill": body["bill"],
            "expires_at": body["expires_at"],
            "offers_sha256": hashlib.sha256(canonical_bytes(body["offers"])).hexdigest(),
        }
        pk, by = quote_pk(quote_id), context.initiator
        owned = Owned(partner_list(command.partner_id, QUOTES), iso(now))
        context.store.transact(
            first_writes(pk, "quote_id", quote_id, body, "QuoteGiven", now, data, by=by, owned=owned)
        )
    except WriteConflictError:
        known = context.store.get(quote_pk(quote_id), STATE)
        assert known is not None, "the quote was refused because one is stored"
        return _repeat(known, command), False
    return view(body), True


def require_offer(item: Item | None, bill: QuotedBill, amount_fen: int, now: datetime) -> Document:
    """The offer that a discount request relies on.

    Raises QuoteError: QUOTE_UNKNOWN, QUOTE_EXPIRED, QUOTE_MISMATCH when it was made for another bill or by nobody.
    """
    if item is None or item.body["partner_id"] != bill.partner_id:
        raise QuoteError("There is no such quote; ask for one, or leave quote_id out.", field="quote_id")
    if iso(now) >= str(item.body["expires_at"]):
        raise QuoteError("The quote has expired; ask for a new one.", field="quote_id", code="QUOTE_EXPIRED")
    if item.body["bill"] != {**_named(bill), "amount_fen": amount_fen} or "repurchase" in item.body:
        raise QuoteError(
            "The quote was made for other terms; ask for a new one.", field="quote_id", code="QUOTE_MISMATCH"
        )
    for offer in item.body["offers"]:
        if offer["institution_id"] == bill.institution_id and offer["reason"] is None:
            found: Document = offer
            return found
    raise QuoteError(
        "This institution made no offer in the quote; choose one that did.",
        field="institution_id",
        code="QUOTE_MISMATCH",
    )


def terms_of(interest: Document | None, repurchase: Document | None) -> dict[str, Any]:
    """The terms of a price, from what a partner sent: who pays the interest, and the redemption."""
    terms: dict[str, Any] = {}
    if interest is not None:
        terms["payer"] = InterestPayer(interest["payer"])
        if interest.get("buyer_share_percent") is not None:
            terms["buyer_share"] = Decimal(str(interest["buyer_share_percent"]))
    if repurchase is not None:
        terms["repurchase"] = Repurchase(
            open_date=date.fromisoformat(str(repurchase["open_date"])),
            close_date=date.fromisoformat(str(repurchase["close_date"])),
            annual_rate=Decimal(str(repurchase["annual_rate"])),
        )
    return terms


def priced(price: Price) -> Document:
    """A price as it is stored and shown; what is not charged or not agreed is left out."""
    shown: Document = {
        "annual_rate": f"{price.annual_rate:.6f}",
        "days": price.days,
        "interest_fen": price.interest_fen,
        "proceeds_fen": price.proceeds_fen,
    }
    if price.buyer_interest_fen:
        shown["buyer_interest_fen"] = price.buyer_interest_fen
    if price.fee_fen:
        shown["fee_fen"] = price.fee_fen
    if price.redemption is not None:
        shown["redemption_open_fen"] = price.redemption.open_fen
        shown["redemption_close_fen"] = price.redemption.close_fen
    return shown


def _named(bill: QuotedBill | AskQuote) -> Document:
    named: Document = {
        "kind": bill.kind,
        "acceptor_bank_code": bill.acceptor_bank_code,
        "maturity_date": bill.maturity_date,
    }
    if bill.interest is not None:
        named["interest"] = bill.interest
    return named


def _bid(institution: Document) -> Bid:
    """Room is the whole limit: what others have taken of it is not told by asking again and again."""
    return Bid(
        institution_id=str(institution["institution_id"]),
        tables=tuple(rate_tables_of(institution)),
        fee=fee_of(institution),
        room_fen=int(institution["limit_fen"]),
    )


def _offer(offer: Offer) -> Document:
    shown: Document = {"institution_id": offer.institution_id, "reason": offer.reason}
    if offer.price is not None:
        shown |= {"rate_version": offer.rate_version, "due_date": offer.price.effective_maturity.isoformat()}
        shown |= priced(offer.price)
        shown["deduction_per_100k_yuan"] = fen_to_yuan(deduction_of(offer.price))
    return shown


def _repeat(known: Item, command: AskQuote) -> Document:
    if known.body["body_digest"] != command.body_digest:
        raise IdempotencyMismatchError(
            "This Idempotency-Key was used with another body; use a new key for a new request.",
            field="Idempotency-Key",
        )
    return view(known.body)


def view(body: Document) -> Document:
    """The quote as its partner may see it, also after it has expired."""
    return {key: value for key, value in body.items() if key not in _HIDDEN}
