"""Errors of the domain: one class per meaning, each with a stable code that callers may rely on."""

from __future__ import annotations


class RongTongError(Exception):
    """Base of every error that a caller or an operator may see.

    ``code`` is stable, ``message`` says what to do next, ``field`` names the input at fault.
    """

    code: str = "INTERNAL"

    def __init__(self, message: str, *, field: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        if code is not None:
            self.code = code


class InvalidInputError(RongTongError):
    """What was sent breaks a rule; the same input will always be refused."""

    code = "INVALID_INPUT"


class BillNumberError(InvalidInputError):
    """A bill number (票据号码) is malformed or not discountable. Codes ``BILL_NUMBER_…``, ``BILL_LEGACY_…``."""

    code = "BILL_NUMBER"


class SubBillRangeError(InvalidInputError):
    """A sub-bill range (子票区间) is malformed or does not fit. Codes ``RANGE_…``."""

    code = "RANGE_FORMAT"


class IdentityError(InvalidInputError):
    """An identity, bank or mobile number fails its check.

    Codes USCC_INVALID, ORGANISATION_CODE_INVALID, RESIDENT_ID_INVALID, BANK_CODE_INVALID, BANK_CARD_INVALID,
    LEI_INVALID, INSTITUTION_CODE_INVALID, REGISTRY_MEMBER_INVALID, MOBILE_INVALID.
    """

    code = "IDENTITY"


class CalendarError(RongTongError):
    """A date cannot be used. Codes CALENDAR_UNCONFIRMED, NOT_A_WORKING_DAY, OUT_OF_SERVICE_HOURS."""

    code = "CALENDAR_UNCONFIRMED"


class PriceError(InvalidInputError):
    """A price cannot be made. Codes RATE_INVALID, FACE_INVALID, MATURITY_NOT_AFTER_DISCOUNT."""

    code = "PRICE"


class TransitionError(RongTongError):
    """A lifecycle does not allow this step."""

    code = "TRANSITION_NOT_ALLOWED"
