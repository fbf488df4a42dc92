"""What a job's stage needs again with its next piece and what is too large for its run's record.

A file is named by what is in it: a piece that is done twice, or by two executions, never finds another one's.
"""

from __future__ import annotations

import hashlib

from rongtong.services.context import Context
from rongtong.services.jobs import Run

_FOLDER = "jobs"


def lay_aside(context: Context, run: Run, content: bytes) -> str:
    """Keep it for some days; answers the name for ``fetch``."""
    name = f"{_FOLDER}/{run.run_id}/{hashlib.sha256(content).hexdigest()}"
    context.uploads.put(name, content)
    return name


def fetch(context: Context, name: str) -> bytes | None:
    """The content; None where it was forgotten meanwhile: the stage begins anew."""
    return context.uploads.get(name)
