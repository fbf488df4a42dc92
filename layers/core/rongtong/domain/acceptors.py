"""Which class an acceptor (承兑人) belongs to, as the rate tables know them (国股, 城商, 农商, 商票 …)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from rongtong.domain.bill_codes import BillKind
from rongtong.domain.errors import InvalidInputError
from rongtong.domain.identity import check_bank_code
from rongtong.domain.rates import ACCEPTOR_CLASSES

_BANK_CLASS_DIGITS = 3
COMMERCIAL = "commercial"


class AcceptorUnknownError(InvalidInputError):
    """The directory knows neither the bank nor its bank class, so nobody quotes for it."""

    code = "ACCEPTOR_UNKNOWN"


class AcceptorDirectoryError(InvalidInputError):
    """A directory that cannot be read; ``field`` names the entry."""

    code = "ACCEPTOR_DIRECTORY"


@dataclass(frozen=True)
class AcceptorDirectory:
    """Classes by bank class (行别, the first three digits of a bank code), and of single banks that differ."""

    by_bank_class: Mapping[str, str]
    by_bank_code: Mapping[str, str]

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """From ``{"bank_classes": {"102": "state_joint"}, "banks": {"313100000013": "city"}}``.

        Raises AcceptorDirectoryError, IdentityError (BANK_CODE_INVALID).
        """
        classes, banks = document.get("bank_classes", {}), document.get("banks", {})
        for field, entries in (("bank_classes", classes), ("banks", banks)):
            if not isinstance(entries, Mapping):
                raise AcceptorDirectoryError(f"{field} is an object of codes and classes.", field=field)
            for code, group in entries.items():
                if group not in ACCEPTOR_CLASSES:
                    known = ", ".join(sorted(ACCEPTOR_CLASSES))
                    raise AcceptorDirectoryError(f"{group!r} is no class; use one of {known}.", field=f"{field}.{code}")
        for code in classes:
            if not (code.isascii() and code.isdigit() and len(code) == _BANK_CLASS_DIGITS):
                raise AcceptorDirectoryError("A bank class has three digits.", field=f"bank_classes.{code}")
        for code in banks:
            check_bank_code(code, field=f"banks.{code}")
        return cls(dict(classes), dict(banks))

    def class_of(self, bank_code: str, kind: BillKind) -> str:
        """The acceptor's class: of a commercial bill always ``commercial``, whatever its bank.

        Raises AcceptorUnknownError.
        """
        if kind is BillKind.COMMERCIALLY_ACCEPTED:
            return COMMERCIAL
        found = self.by_bank_code.get(bank_code) or self.by_bank_class.get(bank_code[:_BANK_CLASS_DIGITS])
        if found is None:
            raise AcceptorUnknownError(
                "No class is known of this accepting bank; compare its bank code, or ask the platform to add it.",
                field="acceptor_bank_code",
            )
        return found
