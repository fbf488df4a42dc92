"""Code lists of the bill registry, each a type of its own: "CS01" is a status here and an origin there.

A code that a list does not know reads as its UNKNOWN member: what is not known to be good is never taken for it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class _Code(StrEnum):
    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return cls("unknown") if value != "unknown" else None


class BillOrigin(_Code):
    """Where a bill was registered (billOrigin)."""

    PAPER = "CS00"
    ECDS = "CS01"
    FINANCIAL_INSTITUTIONS = "CS02"
    SUPPLY_CHAIN = "CS03"
    UNKNOWN = "unknown"


class BillMedium(_Code):
    """Paper or electronic."""

    PAPER = "ME01"
    ELECTRONIC = "ME02"
    UNKNOWN = "unknown"


class BillKind(_Code):
    """DraftTypeCode: who accepted. Finance-company bills (财票) count among the bank-accepted ones."""

    BANK_ACCEPTED = "AC01"
    COMMERCIALLY_ACCEPTED = "AC02"
    UNKNOWN = "unknown"


class BillStatus(_Code):
    """票据状态."""

    ISSUED = "CS01"
    ACCEPTED = "CS02"
    RECEIVED = "CS03"
    MATURED = "CS04"
    TERMINATED = "CS05"
    SETTLED = "CS06"
    SPLIT = "CS99"
    """已拆分; inside banks only."""
    UNKNOWN = "unknown"


class Circulation(_Code):
    """流通标志."""

    AWAITING_RECEIPT = "TF0101"
    CIRCULATING = "TF0301"
    LOCKED = "TF0302"
    NOT_TRANSFERABLE = "TF0303"
    PLEDGED = "TF0304"
    AWAITING_REDEMPTION = "TF0305"
    IN_COLLECTION = "TF0401"
    IN_RECOURSE = "TF0402"
    ENDED = "TF0501"
    NOT_CIRCULATING = "TF0999"
    """不可流通; inside banks only."""
    UNKNOWN = "unknown"


class RiskMark(_Code):
    """风险状态."""

    NONE = "RS00"
    STOP_PAYMENT = "RS01"
    PUBLIC_NOTICE = "RS02"
    JUDICIAL_FREEZE = "RS03"
    DISPUTED = "RS05"
    INVALIDATED = "RS06"
    UNKNOWN = "unknown"


class EndorsementMark(_Code):
    """BanEndrsmtMk: whether the bill may be passed on."""

    TRANSFERABLE = "EM00"
    NOT_TRANSFERABLE = "EM01"
    UNKNOWN = "unknown"


class EndorsementKind(_Code):
    """背书类型."""

    GUARANTEE = "ET02"
    PLEDGE = "ET03"
    TRANSFER = "ET05_01"
    UNKNOWN = "unknown"


class RepurchaseMark(_Code):
    """RpdMk: outright (买断式) or repurchase (回购式)."""

    OUTRIGHT = "RM00"
    REPURCHASE = "RM01"
    UNKNOWN = "unknown"


class SettlementMark(_Code):
    """SttlmMk: online, delivery versus payment (线上清算), or free of payment (线下清算)."""

    ONLINE = "SM00"
    OFFLINE = "SM01"
    UNKNOWN = "unknown"
