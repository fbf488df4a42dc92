"""What tests of the domain start from: a bill that may be discounted and the request for it, a module loaded anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from importlib.util import module_from_spec
from types import ModuleType
from typing import Any

from rongtong.domain.bill import Application, Endorsement, Party, RegistryBill, Trade
from rongtong.domain.bill_codes import BillKind, BillStatus, Circulation, EndorsementMark, RiskMark
from rongtong.domain.sub_bill_range import SubBillRange

BANK = "102100099996"
"""The accepting bank's code."""


def party(key: str) -> Party:
    """A company that is told from others by its key alone."""
    return Party(f"示例公司{key}", f"U{key}", f"A{key}")


DRAWER, PAYEE, BUYER, SELLER, OTHER = (party(key) for key in "DPBSO")


def bill_of(*endorsements: Endorsement, fen: int = 1_000, **changes: Any) -> RegistryBill:
    """A bank's bill of DRAWER to PAYEE, free to circulate, in the hands of its last endorsee."""
    bill = RegistryBill(
        number="5",
        range=SubBillRange(1, fen),
        face_fen=fen,
        kind=BillKind.BANK_ACCEPTED,
        status=BillStatus.RECEIVED,
        circulation=Circulation.CIRCULATING,
        risk=RiskMark.NONE,
        endorsement_mark=EndorsementMark.TRANSFERABLE,
        issue_date=date(2026, 2, 2),
        maturity_date=date(2026, 8, 2),
        acceptor_name="示例银行",
        acceptor_bank_code=BANK,
        acceptor_class="state_joint",
        drawer=DRAWER,
        payee=PAYEE,
        endorsements=endorsements,
        holder=endorsements[-1].endorsee if endorsements else PAYEE,
        holding_id="h",
        splittable=True,
        disclosure="not_required",
    )
    return replace(bill, **changes)


def application_for(bill: RegistryBill, trade: Trade, **changes: Any) -> Application:
    """The holder's request to discount the whole bill, which states it as it is."""
    application = Application(
        bill_number=bill.number,
        range=bill.range,
        amount_fen=bill.face_fen,
        kind=bill.kind,
        issue_date=bill.issue_date,
        maturity_date=bill.maturity_date,
        acceptor_bank_code=bill.acceptor_bank_code,
        applicant_uscc=bill.holder.uscc,
        payee_account=bill.holder.account,
        trade=trade,
    )
    return replace(application, **changes)


def loaded_anew(module: ModuleType) -> ModuleType:
    """The module once more, so that what it makes of itself when loaded is made within the test."""
    spec = module.__spec__
    assert spec is not None
    assert spec.loader is not None
    again = module_from_spec(spec)
    spec.loader.exec_module(again)
    return again
