"""A payment's life, and what may be done with one whose outcome is not known (银企直联).

A payment is sent under a reference that belongs to it for ever. Sending the same reference again before the bank's
cut-off is safe because the bank pays a reference at most once; another reference is another payment and needs the first
to have failed, been returned (退票) or been reversed (冲正). That the bank does not know a reference means nothing
until its cut-off has passed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from rongtong.domain.errors import InvalidInputError, TransitionError

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_CLOCKS_DIFFER = timedelta(minutes=10)
"""How far the bank's clock may be behind ours (assumed)."""
CUT_OFF = time(23, 0)
"""When a bank ends its day where its institution has not agreed another hour (assumed: configurable)."""


class PaymentStatus(StrEnum):
    """Where a payment stands; PROCESSING and UNKNOWN are never ends."""

    CREATED = "CREATED"
    """Approved to be sent; no bank has been told."""
    SUBMITTED = "SUBMITTED"
    """The intent is stored: a bank may have been told."""
    PROCESSING = "PROCESSING"
    UNKNOWN = "UNKNOWN"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    RETURNED = "RETURNED"
    """Paid, and sent back by the payee's bank (退票)."""
    REVERSED = "REVERSED"
    """Paid, and taken back by the paying bank (冲正)."""


_OPEN = frozenset({PaymentStatus.PROCESSING, PaymentStatus.UNKNOWN})
_SENT_BACK = frozenset({PaymentStatus.RETURNED, PaymentStatus.REVERSED})
_ENDS = frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.FAILED})
_RESULTS = _ENDS | _SENT_BACK
_PAYMENT: Mapping[PaymentStatus, frozenset[PaymentStatus]] = {
    PaymentStatus.CREATED: frozenset({PaymentStatus.SUBMITTED, PaymentStatus.FAILED}),
    PaymentStatus.SUBMITTED: _OPEN | _ENDS,
    PaymentStatus.PROCESSING: frozenset({PaymentStatus.UNKNOWN}) | _ENDS,
    PaymentStatus.UNKNOWN: frozenset({PaymentStatus.PROCESSING}) | _ENDS,
    PaymentStatus.SUCCEEDED: _SENT_BACK,
    PaymentStatus.FAILED: frozenset(),
    PaymentStatus.RETURNED: frozenset(),
    PaymentStatus.REVERSED: frozenset(),
}
"""A return that is the first thing heard of a payment tells of its success too: both steps are taken."""


ONLINE = "SM00"
"""Settlement mark 线上清算: bill and money change hands together (delivery versus payment)."""
OFFLINE = "SM01"
"""Settlement mark 线下清算: the money is paid first, the bill is endorsed then."""


class Step(StrEnum):
    """What is to be done with a payment whose outcome was asked for."""

    SETTLE = "SETTLE"
    """The bank has said what became of it."""
    ASK_AGAIN = "ASK_AGAIN"
    """It is on its way, or a bank that may have it does not answer."""
    SEND = "SEND"
    """Nobody has it and the bank still takes it: send it, under the same reference."""
    GIVE_UP = "GIVE_UP"
    """Nobody has it and nobody takes it any more: it has failed."""


class PaymentReferenceError(InvalidInputError):
    """A reference that is none of ours."""

    code = "REFERENCE_UNKNOWN"


_DISCOUNT = "dsc_"
_REFERENCE = re.compile(r"RT([A-Z2-7]{26})([0-9]{2})", re.ASCII)
NOT_KNOWN = "NOT_KNOWN"
NO_ANSWER = "NO_ANSWER"


def require_payment_transition(current: PaymentStatus, new: PaymentStatus) -> None:
    """Raises TransitionError unless a payment may go from ``current`` to ``new``."""
    if new not in _PAYMENT[current]:
        raise TransitionError(f"A payment that is {current.value} cannot become {new.value}.")


def may_become(current: PaymentStatus, new: PaymentStatus) -> bool:
    """Whether a payment may go from ``current`` to ``new``."""
    return new in _PAYMENT[current]


def is_result(status: PaymentStatus) -> bool:
    """Whether this says what became of the payment."""
    return status in _RESULTS


def paid_out(word: PaymentStatus | str) -> bool:
    """Whether money has left under this word, whatever became of it then."""
    return word == PaymentStatus.SUCCEEDED or word in _SENT_BACK


def sent_back(status: PaymentStatus) -> bool:
    """Whether the money left and came back."""
    return status in _SENT_BACK


def next_step(heard: Sequence[PaymentStatus | str], *, past_cut_off: bool) -> Step:
    """What to do after asking every channel that the payment was sent on.

    ``heard`` has each channel's word: a status, NOT_KNOWN (it denies knowledge) or NO_ANSWER. Money that one channel
    paid settles it. Otherwise one channel that has it, or may have it, forbids both to send it on another and to take
    the refusal of another for the end. Only when all deny is it sent again, or, after the bank's cut-off, given up.
    """
    if any(paid_out(word) for word in heard):
        return Step.SETTLE
    if any(word not in (NOT_KNOWN, PaymentStatus.FAILED) for word in heard):
        return Step.ASK_AGAIN
    if PaymentStatus.FAILED in heard:
        return Step.SETTLE
    return Step.GIVE_UP if past_cut_off else Step.SEND


def payment_reference(discount_id: str, series: int) -> str:
    """The permanent reference of one attempt series of a discount: at most 32 letters and digits, as banks accept.

    A new series exists only after the one before it ended without the payee keeping the money.
    """
    return f"RT{discount_id.removeprefix(_DISCOUNT).upper()}{series:02d}"


def parse_reference(reference: str) -> tuple[str, int]:
    """The discount and the series that a reference belongs to. Raises PaymentReferenceError for one of others."""
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        raise PaymentReferenceError("This is no reference of a payment of ours.", field="reference")
    return _DISCOUNT + found[1].lower(), int(found[2])


def is_ours(reference: str) -> bool:
    """Whether a reference has the form of ours."""
    return _REFERENCE.fullmatch(reference) is not None


def cut_off(instant: datetime, at: time) -> datetime:
    """When the bank's day of this instant ends in Shanghai, in UTC: what it has not booked by then it never books."""
    local = instant.astimezone(_SHANGHAI)
    return datetime.combine(local.date(), at, _SHANGHAI).astimezone(instant.tzinfo)


def is_past(not_after: datetime, now: datetime) -> bool:
    """Whether the cut-off has passed at the bank too, whose clock may be behind ours."""
    return now > not_after + _CLOCKS_DIFFER
