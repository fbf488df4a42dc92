"""Accepting a discount request: everything that must be true before we say yes, in one transaction."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from rongtong.domain.bill_import import require_number
from rongtong.domain.exposure import Limits
from rongtong.domain.exposure_ledger import EntryKind
from rongtong.domain.identity import check_uscc
from rongtong.domain.interest import InterestPayer
from rongtong.domain.lifecycle import DiscountStatus, EnterpriseStatus
from rongtong.domain.sub_bill_range import SubBillRange, require_within_ceiling
from rongtong.services.context import Context
from rongtong.services.discounts import view
from rongtong.services.enterprise_state import require_consent, require_not_closed
from rongtong.services.errors import (
    BusyError,
    EnterpriseNotActiveError,
    EnterpriseUnknownError,
    IdempotencyMismatchError,
    InterestPayerError,
)
from rongtong.services.exposure_ledger import entry_of
from rongtong.services.quotes import require_offer
from rongtong.services.records import (
    DISCOUNTS,
    LIMITS_KEY,
    POLICY_KEY,
    STATE,
    calendar_key,
    derived_id,
    discount_pk,
    enterprise_pk,
    first_writes,
    institution_list,
    institution_pk,
    iso,
    partner_list,
    partner_pk,
    quote_pk,
    tenant_key,
)
from rongtong.services.reservations import Holdings
from rongtong.services.screening import access_seen, company_owner
from rongtong.services.settings import calendar_of, institution_of, limits_of, policy_of, require_agreed
from rongtong.services.storage import Document, Item, Listing, Owned, Write, WriteConflictError
from rongtong.services.suspension import require_not_suspended, suspension_keys

_ATTEMPTS = 12
_DIGEST_DIGITS = 32
"""Half of a SHA-256 tells a partner's bodies apart; a state of more than 1,024 bytes costs two write units a time."""


@dataclass(frozen=True)
class RequestDiscount:
    """A partner's request for one bill range of one of its enterprises. Amounts in fen, dates ISO 8601."""

    partner_id: str
    idempotency_key: str
    body_digest: str
    enterprise_id: str
    institution_id: str
    bill_number: str
    range: str
    amount_fen: int
    kind: str
    issue_date: str
    maturity_date: str
    acceptor_bank_code: str
    order_number: str
    order_amount_fen: int
    order_date: str
    order_buyer_uscc: str
    payee_account: str
    confirmed_by: str | None
    factors: tuple[str, ...]
    invoice_number: str | None = None
    deal_amount_fen: int | None = None
    """How much of the range is discounted, from its start; None: all of it (部分贴现)."""
    deliveries: tuple[Document, ...] = ()
    money_flows: tuple[Document, ...] = ()
    interest: Document | None = None
    """Who pays the interest (付息方式), where it is not the seller alone."""
    access: Document | None = None
    """Where the operator who confirmed it was: ip, device, region."""
    quote_id: str | None = None


_FIRST = frozenset(
    {
        "discount_id",
        "enterprise_id",
        "institution_id",
        "status",
        "bill_number",
        "range",
        "face_fen",
        "accepted_at",
        "remainder",
    }
)
"""What the state has from its beginning and partners see; none of it changes but the status."""
_NOT_IN_THE_EVENT = frozenset(
    {"payee_account", "idempotency_key", "body_digest", "partner_id", "institution_id", "access"}
)


def accept(context: Context, command: RequestDiscount) -> tuple[Document, bool]:
    """Accept the request, or raise why not; nothing is stored by halves.

    The discount's id comes from the partner and its idempotency key: a repeat answers what was answered first and
    False, the same key with another body raises IdempotencyMismatchError. Raises BillNumberError, SubBillRangeError,
    CalendarError, EnterpriseUnknownError, EnterpriseClosedError, EnterpriseNotActiveError, ConsentWithdrawnError,
    InstitutionUnknownError, SuspendedError, QuoteError, RangeTakenError, LimitExceededError.
    """
    discount_id = derived_id("dsc", command.partner_id, command.idempotency_key)
    spent_before = context.store.write_units
    now = context.clock.now()
    today = context.calendar.shanghai_date(now)
    dealt, remainder = _ranges(command)
    known, enterprise, funding, partner, policy_item, tenant, limits_item, year, quote, *stops = context.store.get_many(
        [
            (discount_pk(discount_id), STATE),
            (enterprise_pk(command.enterprise_id), STATE),
            (institution_pk(command.institution_id), STATE),
            (partner_pk(command.partner_id), STATE),
            POLICY_KEY,
            tenant_key(command.partner_id),
            LIMITS_KEY,
            calendar_key(today.year),
            (quote_pk(command.quote_id or ""), STATE),
            *suspension_keys(command.partner_id, command.enterprise_id, command.institution_id),
        ]
    )
    if known is not None:
        return _repeat(context, known, command), False
    policy, limits = policy_of(policy_item, tenant), limits_of(limits_item)
    if command.confirmed_by is not None:
        policy.confirmation.require_partner_asserts(field="confirmation")
    require_within_ceiling(dealt if remainder is None else remainder, policy.package_ceiling_fen)
    require_number(command.bill_number, command.kind, policy, today)
    _require_companies(command)
    calendar_of(context.calendar, [year], policy).require_service_hours(now)
    active = _active(enterprise, command.partner_id)
    institution = institution_of(funding)
    require_agreed(partner, command.institution_id)
    require_not_suspended(stops)
    _require_payer(command, institution)
    if command.quote_id is not None:
        require_offer(quote, command, dealt.amount_fen, now)
    holdings = _holdings(command, discount_id, dealt, str(active.body["uscc"]), limits, today)
    state, first = _first_records(context, command, holdings, remainder, active, now)
    winner = _store(context, first, holdings, limits, int(institution["limit_fen"]), policy.package_splits)
    if winner is not None:
        return _repeat(context, winner, command), False
    start(
        context, discount_id, write_units=context.store.write_units - spent_before, request_id=state.get("request_id")
    )
    return view(state), True


def start(context: Context, discount_id: str, *, write_units: int, request_id: str | None = None) -> None:
    """Start the discount's execution; its name is the discount's id, so a second start is the same start.

    ``write_units`` is what acceptance consumed, ``request_id`` the request that was accepted; both travel in the
    execution's input, where measurements and log lines find them.
    """
    payload: Document = {"discount_id": discount_id, "subject": discount_pk(discount_id), "write_units": write_units}
    if request_id is not None:
        payload["request_id"] = request_id
    context.workflows.start_discount(discount_id, payload)


def _require_companies(command: RequestDiscount) -> None:
    """Raises IdentityError: whoever is named in the trade is a company, so that no person's number is kept in clear."""
    check_uscc(command.order_buyer_uscc, field="trade.order_buyer_uscc")
    for at, flow in enumerate(command.money_flows):
        check_uscc(str(flow["payer_uscc"]), field=f"trade.money_flows.{at}.payer_uscc")
        check_uscc(str(flow["payee_uscc"]), field=f"trade.money_flows.{at}.payee_uscc")
    for at, delivery in enumerate(command.deliveries):
        check_uscc(str(delivery["consignee_uscc"]), field=f"trade.deliveries.{at}.consignee_uscc")


def _require_payer(command: RequestDiscount, institution: Document) -> None:
    """Raises InterestPayerError unless the seller pays, or the institution takes a buyer's agreement that is named."""
    if command.interest is None or command.interest["payer"] == InterestPayer.SELLER:
        return
    if institution.get("buyer_interest") is not True:
        raise InterestPayerError(
            "This institution has no agreement by which a buyer pays; let the seller pay, or choose another one.",
            field="interest.payer",
        )
    if not command.interest.get("agreement"):
        raise InterestPayerError(
            "Name the agreement by which the buyer pays.",
            field="interest.agreement",
            code="INTEREST_AGREEMENT_MISSING",
        )


def _ranges(command: RequestDiscount) -> tuple[SubBillRange, SubBillRange | None]:
    """What is discounted, and what the holder keeps of the range that it named."""
    stated = SubBillRange.parse(command.range, whole_fen=command.amount_fen)
    stated.require_amount(command.amount_fen)
    return (stated, None) if command.deal_amount_fen is None else stated.split(command.deal_amount_fen)


def _active(enterprise: Item | None, partner_id: str) -> Item:
    if enterprise is None or enterprise.body["partner_id"] != partner_id:
        raise EnterpriseUnknownError("No such enterprise; register it first.", field="enterprise_id")
    require_not_closed(enterprise)
    if enterprise.body["status"] != EnterpriseStatus.ACTIVE:
        raise EnterpriseNotActiveError(
            "The enterprise is not active; wait for its registration to end or see its reason.",
            field="enterprise_id",
        )
    require_consent(enterprise)
    return enterprise


def _holdings(
    command: RequestDiscount, discount_id: str, dealt: SubBillRange, uscc: str, limits: Limits, on: date
) -> Holdings:
    return Holdings(
        discount_id=discount_id,
        applicant_uscc=uscc,
        institution_id=command.institution_id,
        bill_number=command.bill_number,
        range=dealt,
        acceptor_bank_code=command.acceptor_bank_code,
        acceptor_group=limits.group_of(command.acceptor_bank_code),
        invoice_number=command.invoice_number,
        order_number=command.order_number,
        face_fen=dealt.amount_fen,
        on=on,
    )


def _first_records(
    context: Context,
    command: RequestDiscount,
    holdings: Holdings,
    remainder: SubBillRange | None,
    enterprise: Item,
    now: datetime,
) -> tuple[Document, list[Write]]:
    """The discount's state, and the writes that begin it, the state first."""
    discount_id = holdings.discount_id
    state: Document = {
        "discount_id": discount_id,
        "partner_id": command.partner_id,
        "enterprise_id": command.enterprise_id,
        "institution_id": command.institution_id,
        "status": DiscountStatus.ACCEPTED.value,
        "bill_number": command.bill_number,
        "range": holdings.range.wire(),
        "face_fen": holdings.face_fen,
        "body_digest": command.body_digest[:_DIGEST_DIGITS],
        "confirmed": bool(command.confirmed_by) and set(context.confirm_factors) <= set(command.factors),
        "accepted_at": iso(now),
    }
    if context.request_id is not None:
        state["request_id"] = context.request_id
    if holdings.acceptor_group is not None:
        state["acceptor_group"] = holdings.acceptor_group
    if remainder is not None:
        state["remainder"] = remainder.wire()
    data: dict[str, Any] = {name: value for name, value in asdict(command).items() if value not in (None, ())}
    data = {name: value for name, value in data.items() if name not in _NOT_IN_THE_EVENT}
    data["applicant_uscc"] = holdings.applicant_uscc
    data["range"], data["amount_fen"] = holdings.range.wire(), holdings.face_fen
    if holdings.range.whole:
        data["whole"] = True
    data["payee_account_sealed"] = context.vault.encrypt(
        command.enterprise_id, str(enterprise.body["data_key"]), command.payee_account
    )
    summary: Document = {"fen": holdings.face_fen, "acceptor": command.acceptor_bank_code}
    if command.access is not None:
        summary["access"] = access_seen(context, enterprise, command.access)
    listing = Listing(company_owner(holdings.applicant_uscc), iso(now), summary)
    pk = discount_pk(discount_id)
    journal: Document = {"journal": entry_of(EntryKind.RESERVE, holdings)}
    owned = Owned(
        partner_list(command.partner_id, DISCOUNTS), iso(now), institution_list(command.institution_id, DISCOUNTS)
    )
    return state, first_writes(
        pk,
        "discount_id",
        discount_id,
        state,
        "DiscountRequested",
        now,
        data,
        listing,
        journal,
        context.initiator,
        owned=owned,
    )


def _store(
    context: Context,
    first: list[Write],
    holdings: Holdings,
    limits: Limits,
    institution_limit_fen: int,
    splits_max: int,
) -> Item | None:
    """Write it all, or answer the same request as another worker stored it meanwhile.

    Raises LimitExceededError, RangeTakenError, PackageError, BusyError.
    """
    for attempt in range(_ATTEMPTS):
        found = context.store.get_many(holdings.keys())
        try:
            context.store.transact([*first, *holdings.take(found, limits, institution_limit_fen, splits_max)])
        except WriteConflictError as conflict:
            if 0 in conflict.failed:
                return context.store.get(discount_pk(holdings.discount_id), STATE)
            holdings.require_room(conflict, limits, institution_limit_fen, first=len(first))
            context.clock.sleep(random.uniform(0.01, 0.05) * (attempt + 1))
            continue
        return None
    raise BusyError("The same package is being changed by many requests; send the same request again.")


def _repeat(context: Context, known: Item, command: RequestDiscount) -> Document:
    if known.body["body_digest"] != command.body_digest[:_DIGEST_DIGITS]:
        raise IdempotencyMismatchError(
            "This Idempotency-Key was used with another body; use a new key for a new request.",
            field="Idempotency-Key",
        )
    if known.body["status"] == DiscountStatus.ACCEPTED:
        start(context, str(known.body["discount_id"]), write_units=0, request_id=known.body.get("request_id"))
    return _accepted(known.body)


def _accepted(body: Document) -> Document:
    """What was answered when it was accepted, from its present state: a repeat is told the same, wherever it stands."""
    first = {name: value for name, value in body.items() if name in _FIRST}
    return view({**first, "status": DiscountStatus.ACCEPTED.value})
