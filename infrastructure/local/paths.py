"""Where things lie in a checkout, and how they are put away."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
LOCAL = BUILD / "local"
SAMPLES = Path(__file__).resolve().parent / "samples"
EMULATOR_PYTHON = ROOT / ".venvs" / "emulator" / "bin" / "python"
SAM = ROOT / ".venvs" / "sam" / "bin" / "sam"


def discard(folder: Path) -> None:
    """Put a folder out of the way and delete it beside what follows: functions leave ten thousands of files."""
    if not folder.exists():
        return
    discarded = Path(tempfile.mkdtemp(prefix=".discarded-", dir=folder.parent))
    folder.rename(discarded / folder.name)
    subprocess.Popen(["nice", "rm", "-rf", str(discarded)], start_new_session=True)
