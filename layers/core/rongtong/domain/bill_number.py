"""Bill numbers (票据号码): the 30 digits of an electronic bill, and the 16 of a paper one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from stdnum.iso7064 import mod_11_10

from rongtong.domain.bill_codes import BillKind, BillMedium, BillOrigin
from rongtong.domain.errors import BillNumberError

_LENGTH = 30
_PAPER_LENGTH = 16
_ORIGINS = {
    "1": BillOrigin.ECDS,
    "2": BillOrigin.ECDS,
    "5": BillOrigin.FINANCIAL_INSTITUTIONS,
    "6": BillOrigin.FINANCIAL_INSTITUTIONS,
    "7": BillOrigin.SUPPLY_CHAIN,
    "8": BillOrigin.SUPPLY_CHAIN,
}
_PAPER_KINDS = {"5": BillKind.BANK_ACCEPTED, "6": BillKind.COMMERCIALLY_ACCEPTED}
_FIELD = "bill.number"


def check_digit(first29: str) -> str:
    """The 30th digit: ISO 7064 MOD 11,10 over the first 29."""
    return str(mod_11_10.calc_check_digit(first29))


@dataclass(frozen=True)
class BillNumber:
    """An electronic bill's number: channel mark, opening bank, issue date, serial, check digit.

    ``checked`` is False where the check digit does not fit and was let pass.
    """

    text: str
    channel: int
    bank_code: str
    issue_date: date
    serial: str
    check_digit: str
    checked: bool

    @classmethod
    def parse(
        cls,
        text: str,
        *,
        strict_new_system: bool = True,
        bank_directory: Collection[str] = (),
        latest: date | None = None,
    ) -> BillNumber:
        """Take a number apart. Raises BillNumberError, whose code names the part that is wrong.

        The embedded CNAPS code carries a check digit of its own, at position 13. With ``strict_new_system`` False
        (STRICT_CHECK_NEWGEN; assumed: configurable) the 30th digit may be wrong where the mark is 5 to 8; in the
        former system's numbers (marks 1 and 2) it never may. Codes of ``bank_directory`` pass as they are.
        No bill is issued after ``latest``, the day on which somebody has it (None: not looked at).
        """
        _require_digits(text, _LENGTH, "A bill number")
        if text[0] not in _ORIGINS:
            raise _refused("CHANNEL", "An electronic bill's number begins with 1, 2, 5, 6, 7 or 8.")
        checked = check_digit(text[:-1]) == text[-1]
        if not checked and (strict_new_system or _ORIGINS[text[0]] is BillOrigin.ECDS):
            raise _refused("CHECK_DIGIT", "The last digit does not fit the others; compare the number with the bill.")
        if text[1:13] not in bank_directory and not mod_11_10.is_valid(text[1:13]):
            raise _refused("BANK_CODE", "Digits 2 to 13 are no payment system bank code (CNAPS).")
        try:
            issued = date(int(text[13:17]), int(text[17:19]), int(text[19:21]))
        except ValueError as error:
            raise _refused("DATE", "Digits 14 to 21 are no date.") from error
        if latest is not None and issued > latest:
            raise _refused(
                "DATE",
                f"Digits 14 to 21 say that the bill is issued on {issued}, which is yet to come; compare the number "
                "with the bill.",
            )
        return cls(text, int(text[0]), text[1:13], issued, text[21:29], text[29], checked)

    @property
    def medium(self) -> BillMedium:
        """Always electronic."""
        return BillMedium.ELECTRONIC

    @property
    def origin(self) -> BillOrigin:
        """Source system: ECDS, the financial institutions' new system, or a supply-chain platform."""
        return _ORIGINS[self.text[0]]

    @property
    def kind(self) -> BillKind:
        """Bank-accepted (银票, finance companies' 财票 too) for odd marks, commercially accepted (商票) for even ones.

        For marks 5 to 8 (assumed: configurable): the registry's DraftTypeCode decides, and this is held against it.
        """
        return BillKind.BANK_ACCEPTED if self.channel % 2 else BillKind.COMMERCIALLY_ACCEPTED

    def require_discountable(self) -> None:
        """Raises BillNumberError for bills of the closed ECDS: none of them is unmatured any more."""
        if self.origin is BillOrigin.ECDS:
            raise BillNumberError(
                "Bills of the former system (numbers beginning with 1 or 2) can no longer be discounted.",
                field=_FIELD,
                code="BILL_LEGACY_NOT_DISCOUNTABLE",
            )


@dataclass(frozen=True)
class PaperBillNumber:
    """A paper bill's number: bank class 3, a zero, province 2, kind 1, printer 1, serial 8."""

    text: str
    bank_class: str
    province: str
    kind: BillKind
    printer: str
    serial: str

    @classmethod
    def parse(cls, text: str) -> PaperBillNumber:
        """Take a number apart. Raises BillNumberError, whose code names the part that is wrong."""
        _require_digits(text, _PAPER_LENGTH, "A paper bill's number")
        if text[3] != "0":
            raise _refused("RESERVED", "The fourth digit of a paper bill's number is 0.")
        if text[6] not in _PAPER_KINDS:
            raise _refused("KIND", "The seventh digit of a paper bill's number is 5 (银承) or 6 (商承).")
        return cls(text, text[:3], text[4:6], _PAPER_KINDS[text[6]], text[7], text[8:])

    @property
    def medium(self) -> BillMedium:
        """Always paper."""
        return BillMedium.PAPER

    @property
    def origin(self) -> BillOrigin:
        """Always paper."""
        return BillOrigin.PAPER

    def require_discountable(self) -> None:
        """Always raises BillNumberError: a paper bill changes hands over a counter, not online."""
        raise BillNumberError(
            "Paper bills cannot be discounted here; take the bill to the bank, or send an electronic bill's number.",
            field=_FIELD,
            code="BILL_PAPER_NOT_DISCOUNTABLE",
        )


def _require_digits(text: str, length: int, what: str) -> None:
    if not (text.isascii() and text.isdigit()):
        raise _refused("DIGITS", f"{what} has digits only, without spaces.")
    if len(text) != length:
        raise _refused("LENGTH", f"{what} has {length} digits, this one {len(text)}.")


def _refused(part: str, message: str) -> BillNumberError:
    return BillNumberError(message, field=_FIELD, code=f"BILL_NUMBER_{part}")
