"""Imported bills looked at ahead of time: verified, priced and held against the limits; nothing is reserved or decided.

The checks are those of a discount. Their result is kept with the instants until which each part of it is good, and made
anew before the registry's or the lists' part is out of date, as long as discounts are accepted at all.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from rongtong.domain.bill import Invoice, RegistryBill
from rongtong.domain.calendar import SHANGHAI, WorkingCalendar
from rongtong.domain.eligibility import UNKNOWN_BILL, Findings, verdict
from rongtong.domain.errors import CalendarError, RongTongError
from rongtong.domain.exposure import LimitExceededError, Limits
from rongtong.domain.lifecycle import EnterpriseStatus
from rongtong.domain.package import TakenRanges
from rongtong.domain.policy import Policy
from rongtong.domain.prequalification import OUTCOMES, BillStatus
from rongtong.domain.sub_bill_range import SubBillRange
from rongtong.services.bill_checks import (
    REJECT,
    application_of,
    bill_digest,
    checked_bill,
    claims_fen,
    invoice_document,
    stated_digest,
    tabled_price,
    told,
)
from rongtong.services.context import Context
from rongtong.services.enterprise_state import data_key_of
from rongtong.services.quotes import priced
from rongtong.services.records import (
    LIMITS_KEY,
    POLICY_KEY,
    STATE,
    calendar_key,
    enterprise_pk,
    exposure_pk,
    institution_pk,
    iso,
    partner_pk,
    postponed,
    tenant_key,
)
from rongtong.services.reservations import USED, Holdings
from rongtong.services.screening import Records, history_of
from rongtong.services.settings import calendar_of, limits_of, policy_of
from rongtong.services.storage import Document, Item, WriteConflictError

_AHEAD = "ahead"
"""In the place of a discount that is not there yet."""
_INSTITUTIONS_MAX = 20
_DAYS_AHEAD = 30


@dataclass(frozen=True)
class _Ground:
    """What the platform's own records say that a bill is looked at with."""

    records: Records
    limits: Limits
    institutions: tuple[Document, ...]
    holdings: Holdings
    held: list[Item | None]
    """The documents of ``holdings.keys()``."""
    refused: str | None
    """Why a request would not even be accepted."""


def prequalify(context: Context, item: Item) -> BillStatus:
    """Look at the bill now and keep what was found; the status that it has from now on. Safe to repeat.

    Raises RegistryUnavailableError when a registry does not answer; nothing is kept then, and what was kept stays good
    for as long as it was. What another worker found meanwhile stands.
    """
    now = context.clock.now()
    today = context.calendar.shanghai_date(now)
    if date.fromisoformat(str(item.body["maturity_date"])) <= today:
        return _keep(context, item, {"status": BillStatus.MATURED.value}, None)
    ground = _ground(context, item, today)
    rng = ground.holdings.range
    bill = context.bills.find(str(item.body["bill_number"]), rng)
    number = item.body.get("invoice_number")
    invoice = context.invoices.find(str(number)) if number is not None else None
    found, kept = _found(context, item, ground, bill, invoice, now)
    decided = verdict(found.results)
    outcome: str = decided.outcome
    reason = decided.reason
    if ground.refused is not None:  # a request is not even accepted then, whatever the checks would say
        outcome, reason = REJECT, ground.refused
    offers = [] if bill is None or outcome == REJECT else _offers(context, ground, bill)
    freshness = ground.records.policy.freshness
    heard = told(found.results, outcome, reason)
    ahead: Document = {
        "outcome": outcome,
        "reason": reason,
        "found": [[one.check, one.outcome, one.reason] for one in heard if one.reason],
        "checked_at": iso(now),
        "good_until": {name: iso(instant) for name, instant in freshness.until(now).items()},
        "priced_on": today.isoformat(),
        "offers": offers,
    }
    changes: Document = {"status": OUTCOMES[outcome].value, "prequalification": ahead, "kept": kept}
    share = _share(str(item.body["bill_id"]))
    again = freshness.again(now, share, refused=outcome == REJECT)
    return _keep(context, item, changes, _in_hours(ground.records.calendar, ground.records.policy, again, share))


def put_off(context: Context, item: Item, pause: timedelta) -> None:
    """Look at the bill later; what was kept of it stays as it is."""
    with suppress(WriteConflictError):  # another worker looked at it at the same time
        context.store.transact([postponed(item, context.clock.now() + pause)])


def _keep(context: Context, item: Item, changes: Document, again: datetime | None) -> BillStatus:
    body = {key: value for key, value in {**item.body, **changes}.items() if value is not None}
    _replace(context, item, body, again)
    return BillStatus(str(changes["status"]))


def _replace(context: Context, item: Item, body: Document, again: datetime | None) -> None:
    try:
        context.store.transact([replace(item.replaced(body), due=None if again is None else iso(again))])
    except WriteConflictError:
        return  # another worker looked at it at the same time


def _ground(context: Context, item: Item, today: date) -> _Ground:
    body = item.body
    rng = SubBillRange.parse(str(body["range"]))
    if body.get("whole"):
        rng = SubBillRange.whole_package(rng.amount_fen)
    holdings = Holdings(
        discount_id=_AHEAD,
        applicant_uscc=str(body["applicant_uscc"]),
        institution_id="",
        bill_number=str(body["bill_number"]),
        range=rng,
        acceptor_bank_code=str(body["acceptor_bank_code"]),
        acceptor_group=None,
        invoice_number=body.get("invoice_number"),
        order_number=str(body["order_number"]),
        face_fen=rng.amount_fen,
        on=today,
    )
    maturity = date.fromisoformat(str(body["maturity_date"]))
    years = sorted({today.year, maturity.year, maturity.year + 1})
    keys = holdings.keys()
    partner, tenant, platform, limits_item, enterprise, *rest = context.store.get_many(
        [
            (partner_pk(str(body["partner_id"])), STATE),
            tenant_key(str(body["partner_id"])),
            POLICY_KEY,
            LIMITS_KEY,
            (enterprise_pk(str(body["enterprise_id"])), STATE),
            *[calendar_key(year) for year in years],
            *keys,
        ]
    )
    assert enterprise is not None, "a bill is imported only for an enterprise that exists"
    policy, limits = policy_of(platform, tenant), limits_of(limits_item)
    held = rest[len(years) :]
    refused = None if enterprise.body["status"] == EnterpriseStatus.ACTIVE else "ENTERPRISE_NOT_ACTIVE"
    package = TakenRanges.from_document({} if held[0] is None else held[0].body["ranges"])
    try:
        package = package.take(rng, _AHEAD, holdings.applicant_uscc)
    except RongTongError as error:
        refused = error.code
    records = Records(
        enterprise=enterprise,
        institution={},
        policy=policy,
        calendar=calendar_of(context.calendar, rest[: len(years)], policy),
        quote=None,
        package=package,
        claims=tuple(held[2:]),
    )
    holdings = replace(holdings, acceptor_group=limits.group_of(holdings.acceptor_bank_code))
    return _Ground(records, limits, _institutions(context, item, partner), holdings, held, refused)


def _institutions(context: Context, item: Item, partner: Item | None) -> tuple[Document, ...]:
    """Those that the import named, or all that the partner has agreements with, and only those it still has."""
    agreed: Any = None if partner is None else partner.body.get("institutions")
    named = item.body.get("institution_ids", agreed or [])
    wanted = [name for name in named if agreed is None or name in agreed][:_INSTITUTIONS_MAX]
    found = context.store.get_many([(institution_pk(str(name)), STATE) for name in wanted])
    return tuple(one.body for one in found if one is not None)


def _found(
    context: Context,
    item: Item,
    ground: _Ground,
    bill: RegistryBill | None,
    invoice: Invoice | None,
    now: datetime,
) -> tuple[Findings, Document | None]:
    """What the checks say, and what a discount may rely on."""
    if bill is None:
        return UNKNOWN_BILL, None
    records, body, fen = ground.records, item.body, ground.holdings.face_fen
    account = context.vault.decrypt(*data_key_of(records.enterprise), str(records.enterprise.body["account_number"]))
    on_order, *on_invoice = [claims_fen(claims) + fen for claims in records.claims]
    application = application_of(
        body, ground.holdings.range, account, on_invoice_fen=sum(on_invoice), on_order_fen=on_order
    )
    history = history_of(context, application.applicant_uscc, _AHEAD)
    found = checked_bill(context, application, bill, invoice, records, history, own=None, verified_account=account)
    # A good answer is kept; a bad one may be mended any minute and is always asked for anew.
    if invoice is None or invoice.status != "valid" or invoice.used_by is not None:
        return found, None
    return found, {
        "stated_sha256": stated_digest(application),
        "bill_sha256": bill_digest(bill),
        "invoice": invoice_document(invoice),
        "checked_at": iso(now),
        "invoice_until": iso(records.policy.freshness.until(now)["invoice"]),
    }


def _offers(context: Context, ground: _Ground, bill: RegistryBill) -> list[Document]:
    """What each institution would pay today, or why it would not."""
    return [_offer(context, ground, bill, institution) for institution in ground.institutions]


def _offer(context: Context, ground: _Ground, bill: RegistryBill, institution: Document) -> Document:
    records = replace(ground.records, institution=institution)
    shown: Document = {"institution_id": institution["institution_id"], "reason": None}
    try:
        _require_room(context, ground, institution)
        made = tabled_price(context, records, bill, ground.holdings.face_fen, None)
    except RongTongError as error:
        return {**shown, "reason": error.code}
    return {**shown, "due_date": made.effective_maturity.isoformat(), **priced(made)}


def _require_room(context: Context, ground: _Ground, institution: Document) -> None:
    """Raises what an acceptance would now: LimitExceededError, RangeTakenError, PackageError. Nothing is reserved."""
    holdings = replace(ground.holdings, institution_id=str(institution["institution_id"]))
    limit_fen = int(institution["limit_fen"])
    holdings.take(ground.held, ground.limits, limit_fen, ground.records.policy.package_splits)
    for counter in holdings.counters(ground.limits, limit_fen):
        if counter.limit_fen is None:
            continue
        if context.store.counter(exposure_pk(counter.key), USED) + holdings.face_fen > counter.limit_fen:
            raise LimitExceededError.of_shared(counter.level)


def _in_hours(calendar: WorkingCalendar, policy: Policy, again: datetime, share: float) -> datetime:
    """Then, or shortly before discounts are accepted next: nobody needs a fresh answer in the night."""
    local = again.astimezone(SHANGHAI)
    opens, closes = policy.hours.opens, policy.hours.closes
    day = local.date() if local.time() < closes else local.date() + timedelta(days=1)
    try:
        for _ in range(_DAYS_AHEAD):
            if calendar.is_working_day(day):
                opening = datetime.combine(day, opens, SHANGHAI) - timedelta(minutes=5 + 55 * share)
                return max(again, opening.astimezone(UTC))
            day += timedelta(days=1)
    except CalendarError:
        pass
    return again


def _share(bill_id: str) -> float:
    """A bill's own place between 0 and 1, so that what was imported at once is not looked at at once for ever."""
    return int.from_bytes(hashlib.sha256(bill_id.encode()).digest()[:2]) / 65_536
