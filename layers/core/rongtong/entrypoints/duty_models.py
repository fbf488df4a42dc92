"""Bodies and queries of the register's routes. What is not named here is refused, and nothing is converted silently."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from rongtong.domain.duties import FINDINGS_MAX, Duty, DutyFinding, DutyResult, Taking, TrainingTest
from rongtong.domain.incident import Desk
from rongtong.entrypoints.models import IsoDate, ReasonCode, Text
from rongtong.entrypoints.queries import Cursor, whole_number
from rongtong.services.duties import RecordDuty

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
RoleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{1,39}$")]
Persons = Annotated[int, Field(ge=1, le=10_000)]
_ROLES_MAX = 30


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ParticipantsBody(_Body):
    """How many of a role took part; nobody is named."""

    role: RoleName
    """Like `treasury` or `telecom_operator`."""
    count: Persons
    """How many."""


class TestedBody(_Body):
    """A training's test."""

    assessed: Annotated[int, Field(ge=0, le=10_000 * _ROLES_MAX)]
    """How many were tested."""
    passed: Annotated[int, Field(ge=0, le=10_000 * _ROLES_MAX)]
    """How many passed."""


class FindingBody(_Body):
    """What is to be mended."""

    what: Text
    """In words, without personal data."""
    due_on: IsoDate
    """Until when, a day in Shanghai."""
    owner: Annotated[Desk, Field(strict=False)]
    """The desk that mends it."""


class DutyRecordBody(_Body):
    """POST /v1/operations/duties/{duty}/records"""

    held_on: IsoDate
    """The day in Shanghai on which it was held, or ended."""
    participants: Annotated[list[ParticipantsBody], Field(min_length=1, max_length=_ROLES_MAX)]
    """Who took part; of a joint one (`joint`) two roles at least."""
    result: Annotated[DutyResult, Field(strict=False)]
    """Whether it was done as `done` says; one that failed leaves the duty due."""
    report_sha256: Sha256
    """Of the report's file, which you keep."""
    tested: TestedBody | None = None
    """Of a training, and of nothing else."""
    findings: Annotated[list[FindingBody], Field(max_length=FINDINGS_MAX)] = []
    """What is to be mended."""

    def command(self, duty: Duty, by: str, key: str, body_digest: str) -> RecordDuty:
        """What the use case is told."""
        return RecordDuty(
            duty,
            by,
            key,
            body_digest,
            self.held_on,
            [Taking(one.role, one.count) for one in self.participants],
            self.result,
            self.report_sha256,
            None if self.tested is None else TrainingTest(self.tested.assessed, self.tested.passed),
            [DutyFinding(one.what, one.due_on, one.owner) for one in self.findings],
        )


class FindingClosureBody(_Body):
    """POST /v1/operations/duties/{duty}/records/{record_id}/findings/{number}/closure"""

    note: ReasonCode
    """How it was mended, as a code."""
    sha256: Sha256
    """Of the file that shows it, which you keep."""


class DutyRecordsQuery(_Body):
    """GET /v1/operations/duties/{duty}/records"""

    limit: Annotated[int, Field(ge=1, le=100), BeforeValidator(whole_number)] = 100
    """At most so many on a page."""
    cursor: Cursor | None = None
    """`next_cursor` of the page before, as it was."""
