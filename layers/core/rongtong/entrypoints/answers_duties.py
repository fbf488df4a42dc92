"""What the API answers of the register of duties, field by field: for its description and for tests alone."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rongtong.domain.duties import Duty, DutyKind, DutyResult
from rongtong.domain.incident import Desk
from rongtong.entrypoints.answers import MAY_BE_MISSING, Answer, Day, Instant, ReasonCode, Sha256, example, identifier

DutyRecordId = Annotated[str, identifier("dty")]
Persons = Annotated[int, Field(ge=0)]
_SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


class Participants(Answer):
    """How many of a role took part."""

    role: str
    """The role; the platform's own jobs have none."""
    count: Annotated[int, Field(ge=1)]
    """How many."""


class DutyTested(Answer):
    """A training's test."""

    assessed: Persons
    """How many were tested."""
    passed: Persons
    """How many passed."""


class FindingClosed(Answer):
    """How a finding was mended."""

    by: str
    """Who has closed it: another person than who recorded it."""
    note: ReasonCode
    """How, as a code."""
    sha256: Sha256
    """Of the file that shows it."""
    at: Instant
    """When."""


class RecordedFinding(Answer):
    """What was found, and what became of it."""

    number: Annotated[int, Field(ge=1)]
    """Its number within the record."""
    what: str
    """In words."""
    due_on: Day
    """Until when it is to be mended."""
    owner: Desk
    """By which desk."""
    closed: FindingClosed = MAY_BE_MISSING
    """How it was mended."""
    overdue: bool
    """Whether it is open and its day is over."""


class DutyRecord(Answer):
    """One time that a duty was done."""

    model_config = example(
        duty_record_id="dty_4syj3glkr6jt3apmgd3n43zvfh",
        duty="ddos_drill",
        by="operations",
        held_on="2026-04-14",
        participants=[{"role": "platform", "count": 3}, {"role": "telecom_operator", "count": 1}],
        result="pass",
        report_sha256=_SHA,
        findings=[
            {
                "number": 1,
                "what": "The telephone list of the operator was out of date.",
                "due_on": "2026-05-15",
                "owner": "platform",
                "overdue": False,
            }
        ],
        recorded_at="2026-04-15T02:00:00.000Z",
    )

    duty_record_id: DutyRecordId
    """Its id."""
    duty: Duty
    """Which duty."""
    by: str
    """Who recorded it: a person, or a job of the platform."""
    held_on: Day
    """When it was held."""
    participants: list[Participants]
    """Who took part, by role; empty where a job of the platform did it."""
    result: DutyResult
    """How it went."""
    report_sha256: Sha256
    """Of the report's file."""
    tested: DutyTested = MAY_BE_MISSING
    """Of a training."""
    findings: list[RecordedFinding]
    """What was to be mended."""
    recorded_at: Instant
    """When it was recorded; the evidence log has it since then."""


class DutyRecordList(Answer):
    """The times that a duty was done."""

    records: list[DutyRecord]
    """The last held first."""
    next_cursor: str | None
    """For the page behind this one; null at the end."""


class OpenFinding(RecordedFinding):
    """A finding that is open, with its record."""

    duty_record_id: DutyRecordId
    """The record that has it."""


class DutyState(Answer):
    """A duty, and how it stands."""

    duty: Duty
    """Its name."""
    kind: DutyKind
    """What kind of work it is."""
    every_days: Annotated[int, Field(ge=1)]
    """How often it is done at least."""
    owner: Desk
    """The desk that sees to it."""
    joint: bool
    """Whether several units or departments must take part."""
    done: str
    """What a record that passed says."""
    items: list[str]
    """Items of the assessment rules that ask for it."""
    last_held_on: Day | None
    """When it was held last and passed; null if it never was."""
    next_due_on: Day | None
    """The last day on which the next time is in time; null before the platform's watch has run."""
    overdue: bool
    """Whether that day is over."""
    open_findings: list[OpenFinding]
    """What is still to be mended."""


class DutyList(Answer):
    """What must be done regularly."""

    duties: list[DutyState]
    """All of them."""
