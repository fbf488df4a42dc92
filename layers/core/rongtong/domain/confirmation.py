"""The operator's confirmation: factors of different kinds, a code that fits one payment alone, a limit to trying.

Dynamic linking (Commission Delegated Regulation (EU) 2018/389 article 5): payer sees amount and payee, the code is made
of both, and any change of either makes it worthless. The code is an OCRA-like response (RFC 6287): an HMAC over the
canonical bytes of what is confirmed, so that it is stored nowhere.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from rongtong.domain.canonical import canonical_bytes
from rongtong.domain.errors import RongTongError

ATTEMPTS_MAX = 5
SEED_BYTES = 32
_DELAYS = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=4), timedelta(hours=24))
"""How long an operator is locked, the first time in a row and later ones; the last one for every further time."""
CODES_PER_HOUR = 10


class CodeMismatchError(RongTongError):
    """The code is not that of this payment: mistyped, of another one, or the payment has changed."""

    code = "CODE_MISMATCH"


class CodeExpiredError(RongTongError):
    """The code's time is over, or a newer one took its place."""

    code = "CODE_EXPIRED"


class CodeLockedError(RongTongError):
    """Too many attempts: this code counts no longer, and the operator may try again only later."""

    code = "CODE_LOCKED"


class PaymentPasswordError(RongTongError):
    """The payment password is wrong."""

    code = "PAYMENT_PASSWORD_WRONG"


class FactorsMissingError(RongTongError):
    """Fewer factors, or fewer kinds of them, than the amount takes."""

    code = "FACTORS_MISSING"


class Kind(StrEnum):
    """Kinds of factors (交易验证要素): what one knows, what one has. Nothing biometric is used."""

    KNOWLEDGE = "knowledge"
    POSSESSION = "possession"


class Factor(StrEnum):
    """What an operator can show."""

    PASSWORD = "password"  # noqa: S105  # a factor's name
    """The login password, proved by a fresh login."""
    OTP = "otp"
    """The code that went to the operator's mobile."""
    PAYMENT_PASSWORD = "payment_password"  # noqa: S105  # a factor's name

    @property
    def kind(self) -> Kind:
        """What sort of proof it is."""
        return Kind.POSSESSION if self is Factor.OTP else Kind.KNOWLEDGE


@dataclass(frozen=True)
class Shown:
    """A factor that was shown, and by which way: what came by one way twice is one factor, for who holds that way."""

    factor: Factor
    channel: str


@dataclass(frozen=True)
class Binding:
    """What a code confirms. Amounts in fen; the account masked for eyes and fingerprinted for exactness."""

    discount_id: str
    operator_id: str
    payee_name: str
    payee_account: str
    payee_fingerprint: str
    face_fen: int
    proceeds_fen: int
    bill_number: str
    range: str

    def digest(self) -> str:
        """SHA-256 of the canonical bytes, hexadecimal."""
        return hashlib.sha256(canonical_bytes(asdict(self))).hexdigest()


def code_of(seed: bytes, challenge_id: str, bound: str, *, digits: int) -> str:
    """The code of one challenge for one payment, ``digits`` long: ``bound`` is the binding's digest.

    The remainder of 64 bits of HMAC-SHA-256 favours no code by more than 10^-11.
    """
    message = canonical_bytes(["rongtong-confirmation-1", challenge_id, bound, digits])
    mac = hmac.new(seed, message, hashlib.sha256).digest()
    return str(int.from_bytes(mac[:8], "big") % 10**digits).zfill(digits)


def fits(code: str, seed: bytes, challenge_id: str, begun_for: str, now_for: str, *, digits: int) -> bool:
    """Whether a code confirms what is to be paid now: begun for just this, and the code is its own.

    Both are compared in constant time, and always both.
    """
    unchanged = hmac.compare_digest(begun_for.encode(), now_for.encode())
    own = hmac.compare_digest(code.encode(), code_of(seed, challenge_id, now_for, digits=digits).encode())
    return unchanged & own


def require_factors(shown: Collection[Shown], needed: Collection[Factor]) -> None:
    """Raises FactorsMissingError unless every needed factor came by a way of its own, in two kinds at least."""
    by_channel: Mapping[str, Factor] = {one.channel: one.factor for one in sorted(shown, key=_weight)}
    counted = set(by_channel.values())
    missing = [factor.value for factor in needed if factor not in counted]
    if missing:
        raise FactorsMissingError(f"Also needed, each by a way of its own: {', '.join(missing)}.", field="factors")
    if len({factor.kind for factor in counted}) < len(Kind):
        raise FactorsMissingError("Something known and something held are needed, not one kind twice.", field="factors")


def _weight(shown: Shown) -> tuple[str, str]:
    return shown.factor.value, shown.channel


def attempts_left(attempts: int) -> int:
    """How many more codes of a challenge are looked at."""
    return max(0, ATTEMPTS_MAX - attempts)


def locked_until(failures: int, locks: int, now: datetime) -> datetime | None:
    """Until when an operator is locked by the failure that is its ``failures``-th in a row.

    ``locks`` counts the times it was locked since it last succeeded: each takes longer. None: not locked by this one.
    """
    if failures < ATTEMPTS_MAX:
        return None
    return now + _DELAYS[min(locks, len(_DELAYS) - 1)]
