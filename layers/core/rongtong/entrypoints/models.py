"""Bodies of the public API. What is not named here is refused, and nothing is converted silently."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints


def _iso_date(value: object) -> object:
    """Only the text form YYYY-MM-DD; pydantic alone would also take timestamps."""
    if not isinstance(value, str) or len(value) != 10:
        raise ValueError("must be a date as YYYY-MM-DD")
    return date.fromisoformat(value)


Text = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[\x21-\x7e]+$")]
Fen = Annotated[int, Field(gt=0, le=10**15)]
IsoDate = Annotated[date, BeforeValidator(_iso_date)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Account(_Body):
    """A settlement account; the bank code is the 12-digit CNAPS number."""

    bank_code: Code
    account_number: Annotated[str, StringConstraints(min_length=5, max_length=32, pattern=r"^[0-9]+$")]
    account_name: Text


class Consent(_Body):
    """Which version of the terms the enterprise agreed to (PIPL article 14)."""

    terms_version: Code


class EnterpriseBody(_Body):
    """POST /v1/enterprises"""

    name: Text
    uscc: Code
    legal_representative: Text
    mobile: Code
    account: Account
    consent: Consent


class Bill(_Body):
    """The bill range to be discounted, as its holder states it."""

    number: Code
    range: Code
    amount_fen: Fen
    kind: Literal["AC01", "AC02"]
    issue_date: IsoDate
    maturity_date: IsoDate
    acceptor_bank_code: Code


class Trade(_Body):
    """The order and the invoice behind the bill."""

    order_number: Code
    order_amount_fen: Fen
    order_date: IsoDate
    order_buyer_uscc: Code
    invoice_number: Code


class Confirmation(_Body):
    """Who confirmed at the partner, and with which factors."""

    operator: Code
    factors: Annotated[list[Code], Field(min_length=1, max_length=5)]


class DiscountBody(_Body):
    """POST /v1/discounts"""

    enterprise_id: Code
    institution_id: Code
    bill: Bill
    trade: Trade
    payee_account: Annotated[str, StringConstraints(min_length=5, max_length=32, pattern=r"^[0-9]+$")]
    confirmation: Confirmation | None = None


class ReviewBody(_Body):
    """POST /v1/operations/reviews/{discount_id}"""

    decision: Literal["approve", "reject"]
    note: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{2,63}$")]
    """A code such as FILES_SEEN: the event goes to the partner and to the log, so it holds no free text."""
