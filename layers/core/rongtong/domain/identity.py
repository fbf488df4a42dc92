"""Identity numbers of companies, banks and phones."""

from __future__ import annotations

import re

from stdnum.cn import uscc
from stdnum.exceptions import ValidationError
from stdnum.iso7064 import mod_11_10

from rongtong.domain.errors import IdentityError

_MOBILE = re.compile(r"1[3-9]\d{9}", re.ASCII)
_BANK_CODE = re.compile(r"\d{12}", re.ASCII)
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def check_uscc(text: str, *, field: str = "uscc") -> str:
    """A unified social credit code (统一社会信用代码, GB 32100-2015) with the organisation code inside it (GB 11714).

    Answers the code unchanged; raises IdentityError (USCC_INVALID).
    """
    try:
        if uscc.validate(text) != text:
            raise IdentityError("Write the credit code without spaces, in capitals.", field=field, code="USCC_INVALID")
    except ValidationError as error:
        raise IdentityError(
            "The unified social credit code fails its check.", field=field, code="USCC_INVALID"
        ) from error
    if organisation_check(text[8:16]) != text[16]:
        raise IdentityError(
            "The organisation code inside the credit code fails its check.", field=field, code="USCC_INVALID"
        )
    return text


def organisation_check(first8: str) -> str:
    """The ninth character of an organisation code (GB 11714): weights 3,7,9,10,5,8,4,2, modulus 11."""
    total = sum(weight * int(char, 36) for weight, char in zip(_ORGANISATION_WEIGHTS, first8, strict=True))
    return "0123456789X0"[11 - total % 11]


def check_bank_code(text: str, *, field: str = "account.bank_code") -> str:
    """A payment system bank code (CNAPS 支付系统行号): 12 digits, ISO 7064 MOD 11,10. Raises IdentityError."""
    if _BANK_CODE.fullmatch(text) is None or not mod_11_10.is_valid(text):
        raise IdentityError(
            "A bank code has 12 digits and a check digit; compare it with the bank's directory.",
            field=field,
            code="BANK_CODE_INVALID",
        )
    return text


def check_mobile(text: str, *, field: str = "mobile") -> str:
    """A mainland mobile number: 11 digits from 13 to 19 (assumed: configurable). Raises IdentityError."""
    if _MOBILE.fullmatch(text) is None:
        raise IdentityError(
            "A mobile number has 11 digits and begins with 13 to 19.", field=field, code="MOBILE_INVALID"
        )
    return text
