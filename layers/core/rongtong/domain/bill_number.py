"""The 30-digit bill number (票据号码)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from stdnum.iso7064 import mod_11_10

from rongtong.domain.errors import BillNumberError

_LENGTH = 30
_ORIGINS = {"1": "CS01", "2": "CS01", "5": "CS02", "6": "CS02", "7": "CS03", "8": "CS03"}
_LEGACY = "CS01"
_FIELD = "bill.number"


def check_digit(first29: str) -> str:
    """The 30th digit: ISO 7064 MOD 11,10 over the first 29."""
    return str(mod_11_10.calc_check_digit(first29))


@dataclass(frozen=True)
class BillNumber:
    """A bill number that was checked: channel mark, opening bank, issue date, serial, check digit."""

    text: str
    channel: int
    bank_code: str
    issue_date: date
    serial: str
    check_digit: str

    @classmethod
    def parse(cls, text: str) -> BillNumber:
        """Take a number apart. Raises BillNumberError, whose code names the part that is wrong.

        The embedded CNAPS code carries a check digit of its own, at position 13.
        """
        if not (text.isascii() and text.isdigit()):
            raise _refused("DIGITS", "A bill number has digits only, without spaces.")
        if len(text) != _LENGTH:
            raise _refused("LENGTH", f"A bill number has {_LENGTH} digits, this one {len(text)}.")
        if text[0] not in _ORIGINS:
            raise _refused("CHANNEL", "An electronic bill's number begins with 1, 2, 5, 6, 7 or 8.")
        if check_digit(text[:-1]) != text[-1]:
            raise _refused("CHECK_DIGIT", "The last digit does not fit the others; compare the number with the bill.")
        if not mod_11_10.is_valid(text[1:13]):
            raise _refused("BANK_CODE", "Digits 2 to 13 are no payment system bank code (CNAPS).")
        try:
            issued = date(int(text[13:17]), int(text[17:19]), int(text[19:21]))
        except ValueError as error:
            raise _refused("DATE", "Digits 14 to 21 are no date.") from error
        return cls(text, int(text[0]), text[1:13], issued, text[21:29], text[29])

    @property
    def origin(self) -> str:
        """Source system: CS01 ECDS, CS02 financial institutions' new system, CS03 supply-chain platforms."""
        return _ORIGINS[self.text[0]]

    @property
    def kind(self) -> str:
        """AC01 bank-accepted (银票) for odd channel marks, AC02 commercially accepted (商票) for even ones."""
        return "AC01" if self.channel % 2 else "AC02"

    def require_discountable(self) -> None:
        """Raises BillNumberError for bills of the closed ECDS: none of them is unmatured any more."""
        if self.origin == _LEGACY:
            raise BillNumberError(
                "Bills of the former system (numbers beginning with 1 or 2) can no longer be discounted.",
                field=_FIELD,
                code="BILL_LEGACY_NOT_DISCOUNTABLE",
            )


def _refused(part: str, message: str) -> BillNumberError:
    return BillNumberError(message, field=_FIELD, code=f"BILL_NUMBER_{part}")
