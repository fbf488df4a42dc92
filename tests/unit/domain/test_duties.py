"""What must be done regularly: when it is due, and what a record may say of it."""

import csv
from datetime import date, timedelta

import pytest

from paths import ROOT
from rongtong.domain.duties import (
    FIRST_WITHIN_DAYS,
    PLANS,
    Duty,
    DutyFinding,
    DutyKind,
    DutyRecordError,
    DutyResult,
    Taking,
    TrainingTest,
    next_due,
    require_record,
)
from rongtong.domain.incident import Desk

TODAY = date(2026, 4, 15)
TWO = [Taking("platform", 3), Taking("treasury", 1)]
PASS, FAIL = DutyResult.PASS, DutyResult.FAIL


def refused(duty, *, held_on=TODAY, participants=TWO, result=PASS, tested=None, findings=()):
    """The field at fault; None where the record is taken."""
    try:
        require_record(duty, held_on, TODAY, participants, result, tested, findings)
    except DutyRecordError as error:
        return error.field
    return None


def test_every_duty_has_a_plan_with_its_source():
    assert set(PLANS) == set(Duty)
    assert all(plan.items and plan.done.endswith(".") for plan in PLANS.values())


def test_the_findings_of_the_assessment_that_ask_for_regular_work_each_have_a_duty():
    items = {item for plan in PLANS.values() for item in plan.items}
    assert {"XYSJ-004", "XYSJ-005", "XYSJ-006", "XYSJ-007", "XYSJ-008"} <= items


def test_a_duty_is_due_again_so_many_days_after_it_was_held():
    assert next_due(Duty.DDOS_DRILL, date(2026, 3, 1), TODAY) == date(2027, 3, 1)


def test_a_duty_that_was_never_done_is_due_within_six_months_of_the_beginning():
    assert next_due(Duty.DDOS_DRILL, None, TODAY) == TODAY + timedelta(days=FIRST_WITHIN_DAYS)


def test_what_was_not_held_yet_cannot_be_recorded():
    assert refused(Duty.SWITCH_DRILL, held_on=TODAY + timedelta(days=1)) == "held_on"
    assert refused(Duty.SWITCH_DRILL) is None


@pytest.mark.parametrize("duty", [duty for duty, plan in PLANS.items() if plan.joint])
def test_a_joint_drill_of_one_role_alone_has_not_passed(duty):
    assert refused(duty, participants=TWO[:1]) == "participants"
    assert refused(duty, participants=TWO[:1], result=FAIL) is None
    assert refused(duty, participants=TWO) is None


def test_a_role_is_named_once():
    assert refused(Duty.SWITCH_DRILL, participants=[TWO[0], TWO[0]]) == "participants"


@pytest.mark.parametrize(
    ("tested", "result", "field"),
    [
        (None, PASS, "tested"),
        (TrainingTest(4, 4), PASS, None),
        (TrainingTest(3, 3), PASS, "result"),  # one who took part was not tested
        (TrainingTest(4, 3), PASS, "result"),  # 75 of 100
        (TrainingTest(4, 3), FAIL, None),
        (TrainingTest(5, 4), PASS, "tested"),
        (TrainingTest(3, 4), FAIL, "tested"),
    ],
)
def test_a_training_passes_where_all_were_tested_and_enough_passed(tested, result, field):
    assert refused(Duty.CONTINUITY_TRAINING, tested=tested, result=result) == field


def test_nine_of_ten_are_enough_and_eight_are_not():
    ten = [Taking("staff", 10)]
    assert refused(Duty.PRIVACY_TRAINING, participants=ten, tested=TrainingTest(10, 9)) is None
    assert refused(Duty.PRIVACY_TRAINING, participants=ten, tested=TrainingTest(10, 8)) == "result"


def test_only_a_training_has_a_test():
    others = [duty for duty, plan in PLANS.items() if plan.kind is not DutyKind.TRAINING]
    assert {refused(duty, tested=TrainingTest(1, 1)) for duty in others} == {"tested"}


@pytest.mark.parametrize(
    ("days", "field"), [(-1, "findings.0.due_on"), (0, None), (365, None), (366, "findings.0.due_on")]
)
def test_a_finding_is_mended_after_it_was_found_and_within_a_year(days, field):
    finding = DutyFinding("The list was out of date.", TODAY + timedelta(days=days), Desk.PLATFORM)
    assert refused(Duty.SWITCH_DRILL, findings=[finding]) == field


def test_the_page_has_every_duty_with_its_days_and_its_items():
    page = (ROOT / "docs" / "operations" / "duties.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in row] for row in csv.reader(page.splitlines(), delimiter="|") if len(row) > 6]
    shown = {row[1].strip("`"): (row[2], row[3], row[4].strip("`"), row[6]) for row in rows if row[1].startswith("`")}
    assert shown == {
        duty.value: (
            plan.kind.value.lower(),
            str(plan.every_days),
            plan.owner.value,
            ", ".join(plan.items),
        )
        for duty, plan in PLANS.items()
    }
