"""What a bill's state allows, and what follows from it."""

import itertools

import pytest

from rongtong.domain.bill_codes import BillStatus, Circulation, EndorsementMark, RiskMark
from rongtong.domain.bill_state import (
    LEGACY_STATES,
    STEPS,
    Behaviour,
    BillStateError,
    LegacyState,
    after,
    discountable_fault,
)

EM00, EM01 = EndorsementMark.TRANSFERABLE, EndorsementMark.NOT_TRANSFERABLE
TABLE = [
    ("DISCOUNT_APPLICATION", "CS03", "TF0301", "EM00", ("CS03", "TF0302")),
    ("DISCOUNT_APPLICATION", "CS03", "TF0301", "EM01", ("CS03", "TF0302")),
    ("SIGNED", "CS03", "TF0302", "EM00", ("CS03", "TF0301")),
    ("SIGNED", "CS03", "TF0302", "EM01", ("CS03", "TF0303")),
    ("SIGNED", "CS03", "TF0302", "unknown", ("CS03", "TF0303")),
    ("APPLICATION_ENDED", "CS03", "TF0302", "EM00", ("CS03", "TF0301")),
    ("APPLICATION_ENDED", "CS03", "TF0302", "EM01", ("CS03", "TF0301")),
    ("RECEIPT_SIGNED", "CS02", "TF0302", "EM00", ("CS03", "TF0301")),
    ("RECEIPT_SIGNED", "CS02", "TF0302", "EM01", ("CS03", "TF0303")),
    ("BILL_WITHDRAWAL", "CS01", "TF0101", "EM00", ("CS05", "TF0501")),
    ("BILL_WITHDRAWAL", "CS02", "TF0101", "EM00", ("CS05", "TF0501")),
    ("TRANSFER_APPLICATION", "CS03", "TF0301", "EM00", ("CS03", "TF0302")),
    ("TRANSFER_APPLICATION", "CS03", "TF0302", "EM00", ("CS03", "TF0302")),
]
ALLOWED = {(behaviour, status, flow) for behaviour, status, flow, _, _ in TABLE}
LEGACY = {
    "100001": "背书待签收",
    "110101": "买断式贴现待签收",
    "110106": "买断式贴现已签收",
    "110201": "回购式贴现待签收",
    "180001": "质押待签收",
    "170001": "保证待签收",
    "170006": "保证已签收",
    "200001": "提示付款待签收",
    "210001": "逾期提示付款待签收",
    "030006": "提示收票已签收",
    "100006": "背书已签收",
    "120006": "回购式贴现赎回已签收",
    "180020": "质押已至票据到期日",
    "190006": "质押解除已签收",
    "200512": "提示付款已拒付（不可追索）",
    "200312": "提示付款已拒付（只能追出票人、承兑人及其保证人）",
    "200412": "提示付款已拒付（可追所有人）",
    "210312": "逾期提示付款已拒付（只能追出票人、承兑人及其保证人）",
    "210412": "逾期提示付款已拒付（可追所有人）",
    "220607": "拒付追索待清偿",
    "230601": "拒付追索同意清偿待签收",
    "230606": "拒付追索同意清偿已签收",
    "220707": "非拒付追索待清偿",
    "230701": "非拒付追索同意清偿待签收",
    "230706": "非拒付追索同意清偿已签收",
    "220710": "非拒付追索",
    "000026": "已逾票据业务办理时限",
    "000000": "票据已结清",
}


@pytest.mark.parametrize(("behaviour", "status", "flow", "mark", "expected"), TABLE)
def test_every_row_of_the_table_leads_where_it_says(behaviour, status, flow, mark, expected):
    found = after(Behaviour(behaviour), BillStatus(status), Circulation(flow), EndorsementMark(mark))
    assert found == expected


@pytest.mark.parametrize("behaviour", list(Behaviour))
def test_what_the_table_does_not_name_is_refused(behaviour):
    for status, flow in itertools.product(BillStatus, Circulation):
        if (behaviour, status, flow) in ALLOWED:
            continue
        with pytest.raises(BillStateError) as refused:
            after(behaviour, status, flow, EM00)
        assert (refused.value.code, refused.value.field) == ("BILL_STATE_NOT_ALLOWED", "bill.number")


def test_the_refusal_names_the_states_that_are_needed_and_the_one_that_is():
    with pytest.raises(BillStateError) as refused:
        after(Behaviour.BILL_WITHDRAWAL, BillStatus.RECEIVED, Circulation.PLEDGED, EM00)
    assert refused.value.message == (
        "BILL_WITHDRAWAL needs a bill in the state CS01 TF0101, CS02 TF0101; this one is in CS03 TF0304."
    )


def test_the_table_knows_every_behaviour():
    assert set(STEPS) == set(Behaviour) == {row[0] for row in TABLE}


def test_a_discount_that_is_applied_for_and_ended_leaves_no_trace():
    free = (BillStatus.RECEIVED, Circulation.CIRCULATING)
    assert after(Behaviour.APPLICATION_ENDED, *after(Behaviour.DISCOUNT_APPLICATION, *free, EM00), EM00) == free


@pytest.mark.parametrize(("code", "text"), LEGACY.items())
def test_states_of_the_former_system_are_known_by_their_text(code, text):
    assert LEGACY_STATES[code].text == text


def test_the_former_system_has_these_states_and_no_others():
    assert set(LEGACY_STATES) == set(LEGACY)


def test_of_the_former_system_these_states_were_discountable():
    found = {code for code, state in LEGACY_STATES.items() if state.discountable}
    assert found == {"030006", "100006", "120006", "170006", "190006"}
    assert LegacyState("x") == LegacyState("x", discountable=False)


@pytest.mark.parametrize(
    ("status", "flow", "risk", "mark", "fault"),
    [
        ("CS03", "TF0301", "RS00", "EM00", None),
        ("CS02", "TF0301", "RS00", "EM00", "BILL_STATUS"),
        ("unknown", "TF0301", "RS00", "EM00", "BILL_STATUS"),
        ("CS03", "TF0302", "RS00", "EM00", "BILL_LOCKED"),
        ("CS03", "TF0304", "RS00", "EM00", "BILL_PLEDGED"),
        ("CS03", "TF0303", "RS00", "EM00", "BILL_NOT_TRANSFERABLE"),
        ("CS03", "TF0301", "RS00", "EM01", "BILL_NOT_TRANSFERABLE"),
        ("CS03", "TF0301", "RS00", "unknown", "BILL_NOT_TRANSFERABLE"),
        ("CS03", "TF0305", "RS00", "EM00", "BILL_AWAITING_REDEMPTION"),
        ("CS03", "TF0401", "RS00", "EM00", "BILL_IN_COLLECTION"),
        ("CS03", "TF0402", "RS00", "EM00", "BILL_IN_RECOURSE"),
        ("CS03", "TF0101", "RS00", "EM00", "BILL_CIRCULATION"),
        ("CS03", "TF0501", "RS00", "EM00", "BILL_CIRCULATION"),
        ("CS03", "TF0999", "RS00", "EM00", "BILL_CIRCULATION"),
        ("CS03", "unknown", "RS00", "EM00", "BILL_CIRCULATION"),
        ("CS03", "TF0301", "RS01", "EM00", "BILL_RISK"),
        ("CS03", "TF0301", "unknown", "EM00", "BILL_RISK"),
        # Of several faults the first is told.
        ("CS04", "TF0302", "RS03", "EM01", "BILL_STATUS"),
        ("CS03", "TF0302", "RS03", "EM01", "BILL_LOCKED"),
        ("CS03", "TF0304", "RS03", "EM01", "BILL_PLEDGED"),
        ("CS03", "TF0401", "RS03", "EM01", "BILL_NOT_TRANSFERABLE"),
        ("CS03", "TF0401", "RS03", "EM00", "BILL_IN_COLLECTION"),
        ("CS03", "TF0101", "RS03", "EM00", "BILL_CIRCULATION"),
    ],
)
def test_a_bill_is_discountable_or_the_gravest_reason_is_told(status, flow, risk, mark, fault):
    found = discountable_fault(BillStatus(status), Circulation(flow), RiskMark(risk), EndorsementMark(mark))
    assert found == fault


def test_only_one_state_in_all_is_discountable():
    states = itertools.product(BillStatus, Circulation, RiskMark, EndorsementMark)
    free = [state for state in states if discountable_fault(*state) is None]
    assert free == [("CS03", "TF0301", "RS00", "EM00")]
