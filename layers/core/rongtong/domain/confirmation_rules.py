"""Who asks the operator to confirm a discount, and how much of it, as operations configure it: for all, or a tenant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from rongtong.domain.confirmation import Factor
from rongtong.domain.errors import InvalidInputError, RongTongError

CODE_DIGITS = 6
LONG_CODE_DIGITS = 8
_ORIGIN = re.compile(r"https://[a-z0-9.-]+(:[0-9]{1,5})?")
_ORIGINS_MAX = 20


class ConfirmationRulesError(InvalidInputError):
    """Rules of confirmation that cannot be read; ``field`` names the part."""

    code = "CONFIRMATION_RULES"


class ConfirmationByPlatformError(RongTongError):
    """The partner asserts a confirmation, but the platform itself asks this tenant's operators."""

    code = "CONFIRMATION_BY_PLATFORM"


class SealedRequiredError(RongTongError):
    """A code or a password came readable, but this tenant's are taken sealed alone."""

    code = "SEALED_REQUIRED"


@dataclass(frozen=True)
class ConfirmationRules:
    """More money, more factors and longer codes (assumed: configurable). Amounts are the discount's face in fen.

    ``by_platform`` False: the partner's word that its operator confirmed is enough.
    """

    by_platform: bool = False
    sealed_only: bool = False
    """Whether codes and passwords are taken only as the operator's page sealed them (domain/sealed.py)."""
    payment_password_from_fen: int = 50_000_000
    long_code_from_fen: int = 500_000_000
    code_life_s: int = 180
    login_age_s: int = 900
    """How long ago the login may have been."""
    origins: frozenset[str] = frozenset()
    """Where a browser's requests may come from (RFC 6454); a request that names no origin is no browser's."""

    def factors(self, face_fen: int) -> tuple[Factor, ...]:
        """What an amount takes; always one thing known and one thing held."""
        always = (Factor.PASSWORD, Factor.OTP)
        return (*always, Factor.PAYMENT_PASSWORD) if face_fen >= self.payment_password_from_fen else always

    def code_digits(self, face_fen: int) -> int:
        """How long its code is."""
        return LONG_CODE_DIGITS if face_fen >= self.long_code_from_fen else CODE_DIGITS

    def code_life(self) -> timedelta:
        """How long a code counts."""
        return timedelta(seconds=self.code_life_s)

    def require_partner_asserts(self, *, field: str) -> None:
        """Raises ConfirmationByPlatformError where the partner's word is not enough."""
        if self.by_platform:
            raise ConfirmationByPlatformError(
                "The platform asks this operator itself; leave it out and begin a confirmation challenge.", field=field
            )

    def require_readable_allowed(self, *, field: str) -> None:
        """Raises SealedRequiredError where codes and passwords may not come readable."""
        if self.sealed_only:
            raise SealedRequiredError(
                "Send codes and passwords sealed by the operator's page, not readable.", field=field
            )

    @classmethod
    def parse(cls, document: Any, base: ConfirmationRules) -> ConfirmationRules:
        """The rules that a document describes, on top of ``base``. Raises ConfirmationRulesError."""
        if not isinstance(document, Mapping):
            raise ConfirmationRulesError("confirmation is an object.", field="confirmation")
        rules = base
        for name, value in document.items():
            rules = replace(rules, **{name: _read(name, value)})
        return rules

    def tightened(self, base: ConfirmationRules) -> ConfirmationRules:
        """These rules of a tenant, where none is laxer than the platform's; the origins are the tenant's own."""
        return ConfirmationRules(
            **{name: getattr(self, name) or getattr(base, name) for name in _SWITCHES},
            **{name: min(getattr(self, name), getattr(base, name)) for name in _NUMBERS},
            origins=self.origins,
        )


_SWITCHES = ("by_platform", "sealed_only")
_NUMBERS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "payment_password_from_fen": (0, 10**15),
        "long_code_from_fen": (0, 10**15),
        "code_life_s": (60, 300),
        "login_age_s": (60, 3600),
    }
)
"""Least and most of each. A code lives five minutes at most (最短的必要时间内, 金融科技创新安全通用规范)."""


def _read(name: str, value: Any) -> Any:
    field = f"confirmation.{name}"
    if name in _NUMBERS:
        least, most = _NUMBERS[name]
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ConfirmationRulesError(f"{name} is a whole number from {least} to {most}.", field=field)
        return value
    if name in _SWITCHES:
        if not isinstance(value, bool):
            raise ConfirmationRulesError(f"{name} is true or false.", field=field)
        return value
    if name == "origins":
        known = isinstance(value, list) and len(value) <= _ORIGINS_MAX
        if not known or not all(isinstance(one, str) and _ORIGIN.fullmatch(one) for one in value):
            raise ConfirmationRulesError("origins is a list of origins like https://pay.example.cn.", field=field)
        return frozenset(value)
    raise ConfirmationRulesError(
        f"confirmation has no {name}; it has {', '.join((*_SWITCHES, 'origins', *_NUMBERS))}.", field=field
    )
