"""Where things lie in a checkout."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
LOCAL = BUILD / "local"
SAMPLES = Path(__file__).resolve().parent / "samples"
EMULATOR_PYTHON = ROOT / ".venvs" / "emulator" / "bin" / "python"
SAM = ROOT / ".venvs" / "sam" / "bin" / "sam"
