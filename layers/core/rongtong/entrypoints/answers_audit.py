"""What the API answers of audit packs, field by field: for its description and for tests alone."""

from __future__ import annotations

from rongtong.entrypoints.answers import Answer, Instant, Sha256, example


class AuditPackWished(Answer):
    """That a pack is wanted."""

    model_config = example(year=2025, wanted=True, what_next="Run the job audit, or wait for the next one.")

    year: int
    """The calendar year."""
    wanted: bool
    """Always true: the next audit makes it."""
    what_next: str
    """How it comes about."""


class AuditPack(Answer):
    """The newest audit pack of a year."""

    model_config = example(
        year=2025,
        key="audit-packs/2025/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08.zip",
        sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        bytes=184320,
        files=1480,
        not_available=3,
        made_by_run="audit-2026-01-05",
        url="https://archive.example/audit-packs/2025/9f86.zip",
        url_expires_at="2026-01-06T02:15:00.000Z",
    )

    year: int
    """The calendar year."""
    key: str
    """Its name in the archive."""
    sha256: Sha256
    """Of the whole file; the event of the run that made it has it as pack_sha256."""
    bytes: int
    """Its length."""
    files: int
    """How many files it holds besides its manifest."""
    not_available: int
    """How many things should be in it and could not; it lists them in not-available.json."""
    made_by_run: str
    """The run of the job that made it."""
    url: str
    """Where it can be fetched, without a signature, by whoever has the address."""
    url_expires_at: Instant
    """Until when."""
