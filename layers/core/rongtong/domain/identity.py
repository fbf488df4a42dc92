"""Identity numbers of companies, banks and persons (证件号码): each is answered unchanged or refused.

Nothing is repaired: full-width digits, spaces, lower case and missing hyphens are refused everywhere. No message
repeats the number, because some of them are personal.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date

from stdnum import lei, luhn
from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError
from stdnum.iso7064 import mod_11_10

from rongtong.domain.errors import IdentityError

AGE_MAX_YEARS = 150

# GB 32100 allows letters in the first two characters (登记管理部门, 机构类别): stdnum.cn.uscc.validate does not.
_USCC = re.compile(r"[0-9A-HJ-NP-RTUWXY]{2}\d{6}[0-9A-HJ-NP-RTUWXY]{10}", re.ASCII)
_ORGANISATION_CODE = re.compile(r"[0-9A-Z]{8}-[0-9X]")
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_RESIDENT_ID = re.compile(r"\d{17}[0-9X]", re.ASCII)
# Residence permits (居住证) of Hong Kong, Macao and Taiwan residents; stdnum knows no counties there.
_PERMIT_REGIONS = ("810000", "820000", "830000")
_BANK_CODE = re.compile(r"\d{12}", re.ASCII)
_BANK_CARD = re.compile(r"[1-9]\d{12,18}", re.ASCII)
# ISO 17442-1: MOD 97-10 makes check digits from 02 to 98; 00, 01 and 99 would leave the same remainder.
_LEI = re.compile(r"[0-9A-Z]{18}(?!00|01|99)\d{2}", re.ASCII)
_INSTITUTION_CODE = re.compile(r"[A-Z]\d{4}[A-Z]\d{9}", re.ASCII)
_REGISTRY_MEMBER = re.compile(r"\d{6}|\d{9}", re.ASCII)
_MOBILE = re.compile(r"1[3-9]\d{9}", re.ASCII)


def check_uscc(text: str, *, field: str = "uscc") -> str:
    """A unified social credit code (统一社会信用代码, GB 32100-2015) with the organisation code inside it (GB 11714).

    Answers the code unchanged; raises IdentityError (USCC_INVALID).
    """
    if _USCC.fullmatch(text) is None:
        raise IdentityError(
            "A unified social credit code has 18 digits and capitals without spaces, never I, O, S, V or Z.",
            field=field,
            code="USCC_INVALID",
        )
    if uscc.calc_check_digit(text[:17]) != text[17]:
        raise IdentityError(
            "The unified social credit code fails its check; compare it with the business licence.",
            field=field,
            code="USCC_INVALID",
        )
    if organisation_check(text[8:16]) != text[16]:
        raise IdentityError(
            "The organisation code inside the credit code fails its check; compare it with the business licence.",
            field=field,
            code="USCC_INVALID",
        )
    return text


def organisation_check(first8: str) -> str:
    """The ninth character of an organisation code (GB 11714): weights 3,7,9,10,5,8,4,2, modulus 11."""
    total = sum(weight * int(char, 36) for weight, char in zip(_ORGANISATION_WEIGHTS, first8, strict=True))
    return "0123456789X0"[11 - total % 11]


def check_organisation_code(text: str, *, field: str = "organisation_code") -> str:
    """An organisation code (组织机构代码, GB 11714) as the bill registry writes it: ``12345678-X``, with its hyphen.

    Answers the code unchanged; raises IdentityError (ORGANISATION_CODE_INVALID).
    """
    if _ORGANISATION_CODE.fullmatch(text) is None or organisation_check(text[:8]) != text[9]:
        raise IdentityError(
            "An organisation code is written like 12345678-X and its last character is a check; compare it with "
            "characters 9 to 17 of the credit code.",
            field=field,
            code="ORGANISATION_CODE_INVALID",
        )
    return text


def check_resident_id(text: str, *, today: date, field: str = "resident_id") -> str:
    """A resident identity number (公民身份号码, GB 11643-1999) of somebody alive: region, birth date, check character.

    The residence permits of Hong Kong, Macao and Taiwan residents (港澳台居民居住证) are numbered alike. Born on
    ``today`` at the latest and at most 150 years old. Answers the number unchanged; raises IdentityError
    (RESIDENT_ID_INVALID).
    """
    if _RESIDENT_ID.fullmatch(text) is None or not _is_resident_id(text):
        raise IdentityError(
            "A resident identity number has 17 digits and a check character, with a known region and a real birth "
            "date; compare it with the card.",
            field=field,
            code="RESIDENT_ID_INVALID",
        )
    born = ric.get_birth_date(text)
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    if not 0 <= age <= AGE_MAX_YEARS:
        raise IdentityError(
            "The birth date in the identity number belongs to nobody alive; compare it with the card.",
            field=field,
            code="RESIDENT_ID_INVALID",
        )
    return text


def _is_resident_id(text: str) -> bool:
    try:
        if text.startswith(_PERMIT_REGIONS):
            ric.get_birth_date(text)
            return ric.calc_check_digit(text) == text[-1]
        ric.validate(text)
    except (ValidationError, KeyError):  # KeyError: the province is known, the county is not
        return False
    return True


def check_bank_code(text: str, *, field: str = "account.bank_code", directory: Collection[str] = ()) -> str:
    """A payment system bank code (支付系统行号, CNAPS): 12 digits, the last an ISO 7064 MOD 11,10 check.

    ``directory`` names the codes of the maintained bank directory that are right although their check digit is not.
    Answers the code unchanged; raises IdentityError (BANK_CODE_INVALID).
    """
    if _BANK_CODE.fullmatch(text) is None or not (mod_11_10.is_valid(text) or text in directory):
        raise IdentityError(
            "A bank code has 12 digits and a check digit; compare it with the bank's directory.",
            field=field,
            code="BANK_CODE_INVALID",
        )
    return text


def check_bank_card(text: str, *, field: str = "bank_card") -> str:
    """The number of a person's bank card (银行卡号): 13 to 19 digits, no leading 0 (ISO/IEC 7812-1), Luhn.

    Never for the account of a company (对公账号), which has no such check (assumed: configurable). Answers the number
    unchanged; raises IdentityError (BANK_CARD_INVALID).
    """
    if _BANK_CARD.fullmatch(text) is None or not luhn.is_valid(text):
        raise IdentityError(
            "A bank card number has 13 to 19 digits, the last of them a check digit; compare it with the card.",
            field=field,
            code="BANK_CARD_INVALID",
        )
    return text


def check_lei(text: str, *, field: str = "lei") -> str:
    """A legal entity identifier (LEI, 全球法人识别编码, ISO 17442): 20 digits and capitals, MOD 97-10.

    Answers the identifier unchanged; raises IdentityError (LEI_INVALID).
    """
    if _LEI.fullmatch(text) is None or not lei.is_valid(text):
        raise IdentityError(
            "A legal entity identifier has 20 digits and capitals and ends with two check digits; compare it with "
            "the entity's entry in the global index.",
            field=field,
            code="LEI_INVALID",
        )
    return text


def check_institution_code(text: str, *, field: str = "institution_code") -> str:
    """The code of a financial institution (金融机构编码): 15 characters like ``B0013H135010001``, the form only.

    Answers the code unchanged; raises IdentityError (INSTITUTION_CODE_INVALID).
    """
    if _INSTITUTION_CODE.fullmatch(text) is None:
        raise IdentityError(
            "A financial institution's code is a capital, 4 digits, a capital and 9 digits, like B0013H135010001.",
            field=field,
            code="INSTITUTION_CODE_INVALID",
        )
    return text


def check_registry_member(text: str, *, field: str = "registry_member") -> str:
    """The bill registry's (SHCPE, 票交所) member code of 6 digits, or institution code of 9; neither has a check digit.

    Answers the code unchanged; raises IdentityError (REGISTRY_MEMBER_INVALID).
    """
    if _REGISTRY_MEMBER.fullmatch(text) is None:
        raise IdentityError(
            "The bill registry's member code has 6 digits, its institution code 9.",
            field=field,
            code="REGISTRY_MEMBER_INVALID",
        )
    return text


def check_mobile(text: str, *, field: str = "mobile") -> str:
    """A mainland mobile number (手机号): 11 digits from 13 to 19 (assumed: configurable). Raises IdentityError."""
    if _MOBILE.fullmatch(text) is None:
        raise IdentityError(
            "A mobile number has 11 digits and begins with 13 to 19.", field=field, code="MOBILE_INVALID"
        )
    return text
