"""Statements of a partner or an institution, from the payments that are listed by day and the incidents of returns.

A payment stands on the day on which it was sent, which is the day on which the bank books it; what came back stands on
the day on which we heard of it. Every return opens an incident in the transaction that tells of it, so none is missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from rongtong.domain.calendar import SHANGHAI
from rongtong.domain.errors import InvalidInputError
from rongtong.domain.incident import IncidentKind
from rongtong.domain.payment import PaymentStatus, sent_back
from rongtong.domain.statement import Line, LineKind, Parts, Period, PeriodError, Statement, in_order, totals
from rongtong.services.context import Context
from rongtong.services.incidents import opened_since
from rongtong.services.reconcile import reconciliation_pk
from rongtong.services.records import STATE, discount_pk, iso, payments_owner
from rongtong.services.storage import Document, Item, Key, Listing

LINES_MAX = 5_000
"""What fits in one answer in every format (6 MB of a function's answer, at most 1 KB a line)."""
_READ_MAX = 20_000
"""How many payments that may be the owner's one answer may look at; a function has 30 seconds."""
_LISTED_MAX = 200_000
"""How many payments of all owners a day may have; each is a line of an index that names its owners."""
_PAGE = 100
_BACK = {PaymentStatus.RETURNED.value: LineKind.RETURNED, PaymentStatus.REVERSED.value: LineKind.REVERSED}
_NOT_OUT = frozenset({PaymentStatus.CREATED, PaymentStatus.FAILED})


class ReportTooLargeError(InvalidInputError):
    """One answer cannot hold it."""

    code = "REPORT_TOO_LARGE"


@dataclass(frozen=True)
class Owner:
    """Whose statement it is: a partner's, or an institution's; each sees its own discounts and nobody else's."""

    field: str
    id: str

    @classmethod
    def partner(cls, partner_id: str) -> Owner:
        """The platform through which discounts were requested."""
        return cls("partner_id", partner_id)

    @classmethod
    def institution(cls, institution_id: str) -> Owner:
        """The institution that funded them."""
        return cls("institution_id", institution_id)

    def owns(self, discount: Document) -> bool:
        """Whether the discount is this owner's."""
        return str(discount[self.field]) == self.id


def statement(context: Context, owner: Owner, day: str) -> Statement:
    """The owner's statement of a day (2026-04-15) or a month (2026-04) in Shanghai, as far as it is known now.

    Raises PeriodError for what is no day or month, or has not begun; ReportTooLargeError where one answer
    cannot hold it: then ask for single days.
    """
    period, now = Period.parse(day), context.clock.now()
    today = context.calendar.shanghai_date(now)
    if period.first > today:
        raise PeriodError("This period has not begun; ask for one that has.", field="day")
    days = [one for one in period.days() if one <= today]
    found = [*_paid(context, owner, days), *_returned(context, owner, period)]
    if len(found) > LINES_MAX:
        raise _too_large()
    lines = in_order(found)
    open_lines = any(line.kind is LineKind.OPEN for line in lines)
    reconciled, differing = _reconciliation(context, days, {line.reference for line in lines})
    return Statement(
        owner=owner.id,
        period=period,
        made_at=now,
        lines=lines,
        final=period.last < today and not open_lines,
        reconciled=reconciled and period.last < today,
        differing=differing,
    )


def as_document(made: Statement) -> Document:
    """The statement as JSON values."""
    sums = totals(made.lines)
    return {
        "period": made.period.text(),
        "made_at": iso(made.made_at),
        "final": made.final,
        "reconciliation": {"done": made.reconciled, "differing": list(made.differing)},
        "totals": {
            **{
                kind.value.lower(): {"count": found.count, "amount_fen": found.amount_fen}
                for kind, found in sums.by_kind.items()
            },
            "face_fen": sums.parts.face_fen,
            "interest_fen": sums.parts.interest_fen,
            "buyer_interest_fen": sums.parts.buyer_interest_fen,
            "fee_fen": sums.parts.fee_fen,
            "net_fen": sums.net_fen,
        },
        "lines": [_line_document(line) for line in made.lines],
    }


def _line_document(line: Line) -> Document:
    shown: Document = {
        "kind": line.kind.value,
        "day": line.day.isoformat(),
        "at": iso(line.at),
        "reference": line.reference,
        "discount_id": line.discount_id,
        "enterprise_id": line.enterprise_id,
        "partner_id": line.partner_id,
        "institution_id": line.institution_id,
        "bill_number": line.bill_number,
        "range": line.range,
        "amount_fen": line.amount_fen,
    }
    if line.parts is not None:
        shown |= {
            "face_fen": line.parts.face_fen,
            "interest_fen": line.parts.interest_fen,
            "buyer_interest_fen": line.parts.buyer_interest_fen,
            "fee_fen": line.parts.fee_fen,
        }
    if line.bank_serial is not None:
        shown["bank_serial"] = line.bank_serial
    if line.reason is not None:
        shown["reason"] = line.reason
    return shown


def _paid(context: Context, owner: Owner, days: Sequence[date]) -> list[Line]:
    lines: list[Line] = []
    read = 0
    for day in days:
        listed = [one for one in _listed(context, day) if _may_own(owner, one)]
        read += len(listed)
        if read > _READ_MAX:
            raise _too_large()
        payments = _items(context, [one.key for one in listed if one.key is not None])
        sent = [one for one in payments if PaymentStatus(one.body["status"]) not in _NOT_OUT]
        discounts = {one.pk: one for one in _items(context, [(pk, STATE) for pk in {found.pk for found in sent}])}
        lines += [
            _sent_line(context, day, payment, discounts[payment.pk])
            for payment in sent
            if owner.owns(discounts[payment.pk].body)
        ]
    return lines


def _listed(context: Context, day: date) -> list[Listing]:
    """Of all owners. Raises ReportTooLargeError rather than leave out the day's first ones."""
    found = context.store.listed(payments_owner(day.isoformat()), "0", most=_LISTED_MAX + 1)
    if len(found) > _LISTED_MAX:
        raise _too_large()
    return found


def _may_own(owner: Owner, listing: Listing) -> bool:
    """A listing that names its owners saves reading what is not this one's; one that does not is read."""
    return str(listing.summary.get(owner.field, owner.id)) == owner.id


def _sent_line(context: Context, day: date, payment: Item, discount: Item) -> Line:
    status, series = PaymentStatus(payment.body["status"]), int(payment.body.get("series", 1))
    out = status is PaymentStatus.SUCCEEDED or sent_back(status)
    kind = LineKind.OPEN if not out else LineKind.PAID if series == 1 else LineKind.PAID_AGAIN
    return _line(
        kind,
        day,
        datetime.fromisoformat(str(payment.body["submitted_at"])),
        payment.body,
        discount.body,
        # A payment that came back has the serial of what came back; the event that told of it has its own.
        serial=_serial_when_paid(context, payment) if sent_back(status) else payment.body.get("bank_serial"),
        parts=_parts(discount.body) if kind is LineKind.PAID else None,
    )


def _serial_when_paid(context: Context, payment: Item) -> str | None:
    for document in context.store.query(payment.pk, "event#"):
        event = document.body["event"]
        if event["type"] == "DiscountPaid" and event["data"]["reference"] == payment.body["reference"]:
            found: str | None = event["data"].get("bank_serial")
            return found
    return None


def _parts(discount: Document) -> Parts:
    return Parts(
        int(discount["face_fen"]),
        int(discount["interest_fen"]),
        int(discount.get("buyer_interest_fen", 0)),
        int(discount.get("fee_fen", 0)),
    )


def _returned(context: Context, owner: Owner, period: Period) -> list[Line]:
    begin, end = _midnight(period.first), _midnight(date.fromordinal(period.last.toordinal() + 1))
    found = [
        incident
        for incident in opened_since(context, IncidentKind.PAYMENT_RETURNED, begin)
        if str(incident["opened_at"]) < iso(end)
    ]
    keys = [(discount_pk(str(incident["subject"])), STATE) for incident in found]
    discounts = {one.pk: one for one in _items(context, list(dict.fromkeys(keys)))}
    lines = []
    for incident in found:
        discount = discounts[discount_pk(str(incident["subject"]))]
        if owner.owns(discount.body):
            at = datetime.fromisoformat(str(incident["opened_at"]))
            told = incident["data"]
            kind, day = _BACK[str(told["how"])], context.calendar.shanghai_date(at)
            lines.append(_line(kind, day, at, told, discount.body, serial=None, reason=told.get("reason")))
    return lines


def _line(
    kind: LineKind,
    day: date,
    at: datetime,
    payment: Document,
    discount: Document,
    *,
    serial: str | None,
    parts: Parts | None = None,
    reason: str | None = None,
) -> Line:
    return Line(
        kind=kind,
        day=day,
        at=at,
        reference=str(payment["reference"]),
        bank_serial=serial,
        discount_id=str(discount["discount_id"]),
        enterprise_id=str(discount["enterprise_id"]),
        partner_id=str(discount["partner_id"]),
        institution_id=str(discount["institution_id"]),
        bill_number=str(discount["bill_number"]),
        range=str(discount["range"]),
        amount_fen=int(payment["amount_fen"]),
        parts=parts,
        reason=reason,
    )


def _reconciliation(context: Context, days: Sequence[date], references: set[str]) -> tuple[bool, tuple[str, ...]]:
    """Whether every day was compared with the bank's statement after its end, and which references differ."""
    found = {one.pk: one.body for one in _items(context, [(reconciliation_pk(day.isoformat()), STATE) for day in days])}
    bodies = [found.get(reconciliation_pk(day.isoformat())) for day in days]
    done = all(
        body is not None and context.calendar.shanghai_date(datetime.fromisoformat(str(body["made_at"]))) > day
        for body, day in zip(bodies, days, strict=True)
    )
    differing = {str(one["reference"]) for body in bodies if body is not None for one in body["differences"]}
    return done, tuple(sorted(differing & references))


def _items(context: Context, keys: Iterable[Key]) -> list[Item]:
    wanted, found = list(keys), []
    for start in range(0, len(wanted), _PAGE):
        found += context.store.get_many(wanted[start : start + _PAGE])
    return [item for item in found if item is not None]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI).astimezone(UTC)


def _too_large() -> ReportTooLargeError:
    return ReportTooLargeError("The statement is larger than one answer; ask for single days.", field="day")
