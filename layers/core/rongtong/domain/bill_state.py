"""What a bill's state allows: 票据状态 and 流通标志 together, and the marks beside them, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from rongtong.domain.bill_codes import BillStatus, Circulation, EndorsementMark, RiskMark
from rongtong.domain.errors import RongTongError

State = tuple[BillStatus, Circulation]


class BillStateError(RongTongError):
    """A bill's state does not allow this behaviour."""

    code = "BILL_STATE_NOT_ALLOWED"


class Behaviour(StrEnum):
    """What is done to a bill."""

    DISCOUNT_APPLICATION = "DISCOUNT_APPLICATION"
    """买断式贴现申请."""
    SIGNED = "SIGNED"
    """签收成功: agreed to where the money goes its own way (FOP), cleared where it goes with the bill (DVP)."""
    APPLICATION_ENDED = "APPLICATION_ENDED"
    """终止: refused, not cleared, or withdrawn."""
    RECEIPT_SIGNED = "RECEIPT_SIGNED"
    """提示收票签收成功."""
    BILL_WITHDRAWAL = "BILL_WITHDRAWAL"
    """撤票申请."""
    TRANSFER_APPLICATION = "TRANSFER_APPLICATION"
    """转让背书申请."""


@dataclass(frozen=True)
class Step:
    """A row of the table. ``circulation`` None: as the mark given with the signature says (BanEndrsmtMk)."""

    before: frozenset[State]
    status: BillStatus
    circulation: Circulation | None


@dataclass(frozen=True)
class LegacyState:
    """A state of the former system (ECDS), and whether a bill in it could be discounted there."""

    text: str
    discountable: bool = False


_FREE = (BillStatus.RECEIVED, Circulation.CIRCULATING)
_LOCKED = (BillStatus.RECEIVED, Circulation.LOCKED)
_DISCOUNTABLE = (*_FREE, RiskMark.NONE, EndorsementMark.TRANSFERABLE)
_AWAITING = Circulation.AWAITING_RECEIPT

STEPS: Mapping[Behaviour, Step] = MappingProxyType(
    {
        Behaviour.DISCOUNT_APPLICATION: Step(frozenset({_FREE}), *_LOCKED),
        Behaviour.SIGNED: Step(frozenset({_LOCKED}), BillStatus.RECEIVED, None),
        # The state before the application; a discount is applied for only where the bill circulates.
        Behaviour.APPLICATION_ENDED: Step(frozenset({_LOCKED}), *_FREE),
        Behaviour.RECEIPT_SIGNED: Step(
            frozenset({(BillStatus.ACCEPTED, Circulation.LOCKED)}), BillStatus.RECEIVED, None
        ),
        Behaviour.BILL_WITHDRAWAL: Step(
            frozenset({(BillStatus.ISSUED, _AWAITING), (BillStatus.ACCEPTED, _AWAITING)}),
            BillStatus.TERMINATED,
            Circulation.ENDED,
        ),
        Behaviour.TRANSFER_APPLICATION: Step(frozenset({_FREE, _LOCKED}), *_LOCKED),
    }
)

LEGACY_STATES: Mapping[str, LegacyState] = MappingProxyType(
    {
        "000000": LegacyState("票据已结清"),
        "000026": LegacyState("已逾票据业务办理时限"),
        "030006": LegacyState("提示收票已签收", discountable=True),
        "100001": LegacyState("背书待签收"),
        "100006": LegacyState("背书已签收", discountable=True),
        "110101": LegacyState("买断式贴现待签收"),
        "110106": LegacyState("买断式贴现已签收"),
        "110201": LegacyState("回购式贴现待签收"),
        "120006": LegacyState("回购式贴现赎回已签收", discountable=True),
        "170001": LegacyState("保证待签收"),
        "170006": LegacyState("保证已签收", discountable=True),
        "180001": LegacyState("质押待签收"),
        "180020": LegacyState("质押已至票据到期日"),
        "190006": LegacyState("质押解除已签收", discountable=True),
        "200001": LegacyState("提示付款待签收"),
        "200312": LegacyState("提示付款已拒付（只能追出票人、承兑人及其保证人）"),
        "200412": LegacyState("提示付款已拒付（可追所有人）"),
        "200512": LegacyState("提示付款已拒付（不可追索）"),
        "210001": LegacyState("逾期提示付款待签收"),
        "210312": LegacyState("逾期提示付款已拒付（只能追出票人、承兑人及其保证人）"),
        "210412": LegacyState("逾期提示付款已拒付（可追所有人）"),
        "220607": LegacyState("拒付追索待清偿"),
        "220707": LegacyState("非拒付追索待清偿"),
        "220710": LegacyState("非拒付追索"),
        "230601": LegacyState("拒付追索同意清偿待签收"),
        "230606": LegacyState("拒付追索同意清偿已签收"),
        "230701": LegacyState("非拒付追索同意清偿待签收"),
        "230706": LegacyState("非拒付追索同意清偿已签收"),
    }
)
"""For reading old records; which were discountable is (assumed: configurable). ECDS is closed: none of them is now."""


def after(behaviour: Behaviour, status: BillStatus, circulation: Circulation, mark: EndorsementMark) -> State:
    """The state that a behaviour leads to.

    ``mark`` is the one given with the signature (BanEndrsmtMk): what is not expressly transferable circulates no more.
    Raises BillStateError (BILL_STATE_NOT_ALLOWED) where the state does not allow the behaviour.
    """
    step = STEPS[behaviour]
    if (status, circulation) not in step.before:
        allowed = ", ".join(" ".join(state) for state in sorted(step.before))
        raise BillStateError(
            f"{behaviour} needs a bill in the state {allowed}; this one is in {status} {circulation}.",
            field="bill.number",
        )
    if step.circulation is not None:
        return step.status, step.circulation
    transferable = mark == EndorsementMark.TRANSFERABLE
    return step.status, Circulation.CIRCULATING if transferable else Circulation.NOT_TRANSFERABLE


def discountable_fault(
    status: BillStatus, circulation: Circulation, risk: RiskMark, mark: EndorsementMark
) -> str | None:
    """Why a bill in this state may not be discounted; None if it is received, circulates and carries no mark.

    BILL_STATUS, BILL_LOCKED, BILL_PLEDGED, BILL_NOT_TRANSFERABLE, BILL_AWAITING_REDEMPTION, BILL_IN_COLLECTION,
    BILL_IN_RECOURSE, BILL_CIRCULATION, BILL_RISK, in this order.
    """
    if (status, circulation, risk, mark) == _DISCOUNTABLE:
        return None
    marked = mark != EndorsementMark.TRANSFERABLE or circulation == Circulation.NOT_TRANSFERABLE
    reasons = (
        (status != BillStatus.RECEIVED, "BILL_STATUS"),
        (circulation == Circulation.LOCKED, "BILL_LOCKED"),
        (circulation == Circulation.PLEDGED, "BILL_PLEDGED"),
        (marked, "BILL_NOT_TRANSFERABLE"),
        (circulation == Circulation.AWAITING_REDEMPTION, "BILL_AWAITING_REDEMPTION"),
        (circulation == Circulation.IN_COLLECTION, "BILL_IN_COLLECTION"),
        (circulation == Circulation.IN_RECOURSE, "BILL_IN_RECOURSE"),
        (circulation != Circulation.CIRCULATING, "BILL_CIRCULATION"),
        (risk != RiskMark.NONE, "BILL_RISK"),
    )
    return next((reason for holds, reason in reasons if holds), None)
