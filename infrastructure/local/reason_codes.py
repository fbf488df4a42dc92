"""Writes docs/reason-codes.md from the code's own table. Run by `make docs`."""

from __future__ import annotations

from paths import ROOT
from rongtong.domain.reasons import REASONS, Stage

PAGE = ROOT / "docs" / "reason-codes.md"
_HEAD = """# Reason codes

Every code that an answer of the API or a refused discount can carry: what it means, and what to do about it. Codes are
stable. This page is written by `make docs` from `layers/core/rongtong/domain/reasons.py`.
"""


def page() -> str:
    """The whole page."""
    parts = [_HEAD]
    for stage in Stage:
        rows = [(code, reason) for code, reason in REASONS.items() if reason.stage is stage]
        lines = [f"| `{code}` | {reason.meaning} | {reason.remedy} |" for code, reason in rows]
        parts.append("\n".join([f"## {stage.value}\n", "| code | meaning | what to do |", "|---|---|---|", *lines, ""]))
    return "\n".join(parts)


def main() -> None:
    """Write it."""
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{len(REASONS)} reason codes in {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
