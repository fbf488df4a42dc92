"""What must be done regularly (定期工作): drills, trainings, audits, assessments and tests, and what counts as done.

The duties are those of the assessment rules for fintech products; each names its items. Where an item says no more than
"regularly" (定期), a year is assumed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from rongtong.domain.errors import InvalidInputError
from rongtong.domain.incident import Desk

FIRST_WITHIN_DAYS = 180
"""A duty that was never done is due so long after the platform's beginning: the six months that the assessment gave."""
PASSED_PERCENT_MIN = 90
"""Of those who took part in a training so many must have passed its test, or the training is held again (assumed)."""
FINDINGS_MAX = 50
_DAYS_AHEAD_MAX = 365
_YEAR = 365


class DutyRecordError(InvalidInputError):
    """What is said of a duty does not fit it; ``field`` names the part."""

    code = "DUTY_RECORD"


class DutyKind(StrEnum):
    """What kind of work a duty is."""

    DRILL = "DRILL"
    """演练."""
    TRAINING = "TRAINING"
    """培训: whoever takes part is tested (考核)."""
    AUDIT = "AUDIT"
    """审计: opinions are the report, improvement plans the findings, their closing the result."""
    ASSESSMENT = "ASSESSMENT"
    """评估、测评."""
    TEST = "TEST"
    """测试."""


class Duty(StrEnum):
    """A duty by its name, as the API writes it."""

    DESKTOP_DRILL = "desktop_drill"
    SWITCH_DRILL = "switch_drill"
    DDOS_DRILL = "ddos_drill"
    PHISHING_DRILL = "phishing_drill"
    PRIVACY_DRILL = "privacy_drill"
    RESTORE_TEST = "restore_test"
    PENETRATION_TEST = "penetration_test"
    CONTINUITY_TRAINING = "continuity_training"
    PRIVACY_TRAINING = "privacy_training"
    CONTINUITY_PLAN_TEST = "continuity_plan_test"
    CONTINUITY_AUDIT = "continuity_audit"
    INTERNAL_AUDIT = "internal_audit"
    PAYMENT_SECURITY_ASSESSMENT = "payment_security_assessment"
    PROTECTION_LEVEL_ASSESSMENT = "protection_level_assessment"


class DutyResult(StrEnum):
    """How it went. One that failed was not done: the duty stays due."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"


@dataclass(frozen=True)
class DutyPlan:
    """How often a duty is done, by whom, and what counts as done."""

    kind: DutyKind
    owner: Desk
    done: str
    """What a record with the result ``pass`` says: in English, for whoever records."""
    items: tuple[str, ...]
    """Where it comes from: items of the assessment rules."""
    every_days: int = _YEAR
    joint: bool = False
    """Whether several units or departments must take part (联合演练)."""


@dataclass(frozen=True)
class Taking:
    """Who took part: a role, like ``treasury``, and how many of it. Never a name."""

    role: str
    count: int


@dataclass(frozen=True)
class TrainingTest:
    """How many of those who took part in a training were tested, and how many passed."""

    assessed: int
    passed: int


@dataclass(frozen=True)
class DutyFinding:
    """What is to be mended, until when and by which desk."""

    what: str
    due_on: date
    owner: Desk


_P, _C = Desk.PLATFORM, Desk.COMPLIANCE
PLANS: Mapping[Duty, DutyPlan] = {
    Duty.DESKTOP_DRILL: DutyPlan(
        DutyKind.DRILL,
        _P,
        "An emergency plan was gone through at a table with business departments; what did not fit is a finding.",
        ("BC-08",),
        joint=True,
    ),
    Duty.SWITCH_DRILL: DutyPlan(
        DutyKind.DRILL,
        _P,
        "Production was switched to the backup system and back, and discounts went through on both.",
        ("BC-08",),
    ),
    Duty.DDOS_DRILL: DutyPlan(
        DutyKind.DRILL,
        _P,
        "A flood was refused while others' discounts went through; everybody whom the plan names was reached.",
        ("BC-08", "XYSJ-004"),
        joint=True,
    ),
    Duty.PHISHING_DRILL: DutyPlan(
        DutyKind.DRILL,
        _P,
        "A look-alike site was found, reported and closed as the plan says, with everybody whom it names.",
        ("BC-08", "NS-06", "XYSJ-004"),
        joint=True,
    ),
    Duty.PRIVACY_DRILL: DutyPlan(
        DutyKind.DRILL,
        _C,
        "A leak of personal financial information was handled as the emergency plan says.",
        ("IP-36",),
        joint=True,
    ),
    Duty.RESTORE_TEST: DutyPlan(
        DutyKind.TEST,
        _P,
        "A backup was restored, and what was restored holds every promise of stored state.",
        ("BC-12", "BC-13", "XYSJ-005"),
    ),
    Duty.PENETRATION_TEST: DutyPlan(
        DutyKind.TEST,
        _P,
        "Somebody who did not build the platform attacked it; whatever was found is a finding.",
        ("BC-18",),
    ),
    Duty.CONTINUITY_TRAINING: DutyPlan(
        DutyKind.TRAINING,
        _C,
        f"Whoever has a post in the continuity plan was trained and tested; {PASSED_PERCENT_MIN} of 100 passed.",
        ("BC-23", "XYSJ-006"),
    ),
    Duty.PRIVACY_TRAINING: DutyPlan(
        DutyKind.TRAINING,
        _C,
        f"Whoever handles personal financial information was trained and tested; {PASSED_PERCENT_MIN} of 100 passed.",
        ("IP-31", "IP-36"),
    ),
    Duty.CONTINUITY_PLAN_TEST: DutyPlan(
        DutyKind.TEST,
        _C,
        "The continuity plan was tried against the platform as it is, and brought up to date.",
        ("BC-24",),
    ),
    Duty.CONTINUITY_AUDIT: DutyPlan(
        DutyKind.AUDIT,
        _C,
        "Business continuity was audited; the report has opinions, each improvement is a finding with a date.",
        ("BC-25", "XYSJ-007"),
    ),
    Duty.INTERNAL_AUDIT: DutyPlan(
        DutyKind.AUDIT,
        _C,
        "The product was audited by those who do not run it.",
        ("IC-07",),
    ),
    Duty.PAYMENT_SECURITY_ASSESSMENT: DutyPlan(
        DutyKind.ASSESSMENT,
        _C,
        "Payment information, ours and our partners', was assessed; what was found is a finding with a date.",
        ("IP-34",),
    ),
    Duty.PROTECTION_LEVEL_ASSESSMENT: DutyPlan(
        DutyKind.ASSESSMENT,
        _C,
        "An assessor has held the platform to level 3 of GB/T 22239-2019 (等保三级测评).",
        ("BL-01", "XYSJ-008"),
    ),
}


def next_due(duty: Duty, last_held: date | None, began: date) -> date:
    """The last day on which the duty is in time. ``began`` is the platform's first day, for one never done."""
    if last_held is None:
        return began + timedelta(days=min(FIRST_WITHIN_DAYS, PLANS[duty].every_days))
    return last_held + timedelta(days=PLANS[duty].every_days)


def require_record(
    duty: Duty,
    held_on: date,
    today: date,
    participants: Sequence[Taking],
    result: DutyResult,
    tested: TrainingTest | None,
    findings: Sequence[DutyFinding],
) -> None:
    """Raises DutyRecordError unless this can be said of the duty.

    A joint one that passed has participants of two roles at least; a training says how many were tested, and passes
    only where all were and enough passed. ``today`` is the day in Shanghai.
    """
    plan = PLANS[duty]
    if held_on > today:
        raise DutyRecordError("It was not held yet; record it once it is.", field="held_on")
    roles = [one.role for one in participants]
    if len(set(roles)) < len(roles):
        raise DutyRecordError("Name each role once, with how many of it took part.", field="participants")
    if result is DutyResult.PASS and plan.joint and len(roles) < 2:
        raise DutyRecordError(
            "It is a joint one (联合演练): participants of two roles at least, or the result is fail.",
            field="participants",
        )
    _require_tested(plan, sum(one.count for one in participants), result, tested)
    for number, finding in enumerate(findings):
        if not held_on <= finding.due_on <= today + timedelta(days=_DAYS_AHEAD_MAX):
            raise DutyRecordError(
                "A finding is mended after it was found and within a year.", field=f"findings.{number}.due_on"
            )


def _require_tested(plan: DutyPlan, attended: int, result: DutyResult, tested: TrainingTest | None) -> None:
    if (tested is None) == (plan.kind is DutyKind.TRAINING):
        raise DutyRecordError("A training says who was tested, and nothing else does.", field="tested")
    if tested is None:
        return
    if not tested.passed <= tested.assessed <= attended:
        raise DutyRecordError("More passed than were tested, or more were tested than took part.", field="tested")
    enough = attended > 0 and 100 * tested.passed >= PASSED_PERCENT_MIN * attended
    if result is DutyResult.PASS and not (enough and tested.assessed == attended):
        raise DutyRecordError(
            f"A training passes where all who took part were tested and {PASSED_PERCENT_MIN} of 100 passed; "
            "record it as fail and hold it again for the others.",
            field="result",
        )
