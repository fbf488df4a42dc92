"""Everything that a use case may reach outside itself, handed in by the composition root."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from rongtong.domain.calendar import WorkingCalendar
from rongtong.domain.jobs import Job
from rongtong.services.backup_ports import Backups
from rongtong.services.ports import (
    Bank,
    BillRegistry,
    Chain,
    DomainNames,
    InvoiceRegistry,
    LogFiles,
    SmsGateway,
    WitnessDoor,
)
from rongtong.services.storage import Document, Store
from rongtong.services.webhook_ports import WebhookSender


class Clock(Protocol):
    """Business time."""

    def now(self) -> datetime:
        """The instant, in UTC."""

    def monotonic(self) -> float:
        """Seconds from some moment on; never set back."""

    def sleep(self, seconds: float) -> None:
        """Let others go first for so long."""


class Vault(Protocol):
    """Envelope encryption of personal data with one data key per enterprise (PIPL article 51)."""

    def new_key(self, owner: str) -> str:
        """A fresh data key, wrapped for storage beside the owner's record."""

    def encrypt(self, owner: str, wrapped_key: str, text: str) -> str:
        """Ciphertext that only the owner's data key opens; base64."""

    def decrypt(self, owner: str, wrapped_key: str, ciphertext: str) -> str:
        """The text again."""

    def fingerprint(self, owner: str, wrapped_key: str, text: str) -> str:
        """The same for the same text of this owner, and of no use to anybody without its data key; 16 characters."""


class LogSigner(Protocol):
    """The evidence log's Ed25519 key; it never leaves the key service."""

    def sign(self, message: bytes) -> bytes:
        """64 bytes of Ed25519 signature."""

    def public_key(self) -> bytes:
        """32 bytes."""


@dataclass(frozen=True)
class ArchiveLink:
    """Where whoever has it may fetch a file, until then."""

    url: str
    expires_at: datetime


class Archive(Protocol):
    """Write-once storage of contracts, reports and audit packs."""

    def put(self, key: str, content: bytes) -> None:
        """Store; storing the same content under the same key again is no change."""

    def get(self, key: str) -> bytes | None:
        """The content, or None."""

    def link(self, key: str) -> ArchiveLink:
        """Let whoever is given the answer fetch the file for some minutes."""


@dataclass(frozen=True)
class Invitation:
    """Where a file may be put, once, with these headers, until then."""

    url: str
    headers: Mapping[str, str]
    expires_at: datetime


class Uploads(Protocol):
    """Files that partners send, and what jobs lay aside between their pieces; kept for some days."""

    def invite(self, key: str, sha256: bytes, size: int) -> Invitation:
        """Let whoever is given the answer put this one content under the key."""

    def put(self, key: str, content: bytes) -> None:
        """Write a file, or replace it."""

    def get(self, key: str) -> bytes | None:
        """The content, None where there is none (any more)."""


class Running(StrEnum):
    """Where an execution of a state machine stands."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    """It failed, timed out or was aborted."""


@dataclass(frozen=True)
class Execution:
    """One run of a state machine; ``name`` is its subject's id, with ``-r<n>`` behind it for a replay."""

    name: str
    running: Running
    ended_at: datetime | None = None
    error: str | None = None


class Workflows(Protocol):
    """The state machines."""

    def start_discount(self, name: str, payload: Document) -> None:
        """Start an execution of this name; a start that already happened is the same start."""

    def execution(self, name: str) -> Execution | None:
        """The discount's execution of this name; None when there is none (any more)."""

    def redrive(self, name: str) -> bool:
        """Let a failed execution go on from the step that failed; False where that cannot be done."""

    def failed_since(self, since: datetime) -> Iterator[Execution]:
        """Executions of discounts that failed after this instant, newest first."""

    def start_registration(self, enterprise_id: str, payload: Document) -> None:
        """Start; a start that already happened is the same start."""

    def start_job(self, job: Job, name: str, payload: Document) -> None:
        """Start an execution of a job's machine; a start of this name that already happened is the same start."""

    def job_execution(self, job: Job, name: str) -> Execution | None:
        """The job's execution of this name; None when there is none (any more)."""

    def running_jobs(self, job: Job) -> Iterator[tuple[str, Document]]:
        """The job's executions that run now, with what each was started with."""

    def resume(self, task_token: str, output: Document) -> None:
        """Let a waiting execution go on; a token that was already used is no error."""


class Meter(Protocol):
    """What is measured (domain/measures.py) goes to whoever watches the platform."""

    def note(self, name: str, value: int) -> None:
        """One value of a measure."""


class NoMeter:
    """Nobody watches."""

    def note(self, name: str, value: int) -> None:
        """Nothing."""


_NOBODY = NoMeter()


@dataclass(frozen=True)
class Context:
    """The collaborators of every use case."""

    store: Store
    clock: Clock
    vault: Vault
    log_signer: LogSigner
    log_origin: str
    files: LogFiles
    """The evidence log's tiles."""
    witness_door: WitnessDoor
    archive: Archive
    workflows: Workflows
    banks: Sequence[Bank]
    """Ways to the institutions' bank, the usual one first: references are unique across them."""
    bills: BillRegistry
    invoices: InvoiceRegistry
    sms: SmsGateway
    calendar: WorkingCalendar
    uploads: Uploads
    initiator: Document | None = None
    """Who asked for what is done now, with its signature; None where the platform acts by itself."""
    request_id: str | None = None
    """What the request is called that is served now, as its caller was told; None where the platform acts by itself."""
    confirm_factors: Sequence[str] = ("password", "otp")
    """What the operator must have shown before money moves (two factors of different kinds)."""
    chain: Chain | None = None
    """Where the log's cosigned checkpoints are anchored; None where the witnessed log stands alone."""
    webhook_sender: WebhookSender | None = None
    """What carries webhooks to partners; None where nothing is sent to them."""
    domain_names: DomainNames | None = None
    """Who tells which domain names are registered; None where nobody is asked."""
    meter: Meter = _NOBODY
    payment_waits_for_chain: bool = False
    """Whether money moves only once the chain holds the discount's checkpoint, or under the quorum already."""
    backups: Backups | None = None
    """Where backups go, and what they are made of; None where nothing is backed up."""

    @property
    def bank(self) -> Bank:
        """The usual way to the bank."""
        return self.banks[0]
