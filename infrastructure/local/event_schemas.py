"""Writes docs/events/: the JSON Schema of every event type, with an example. Run by `make docs`."""

from __future__ import annotations

import json

from paths import ROOT
from rongtong.domain.public_events import TYPES, schema_of

FOLDER = ROOT / "docs" / "events"


def files() -> dict[str, str]:
    """Every file's text by its name."""
    return {f"{name}.json": json.dumps(schema_of(name), ensure_ascii=False, indent=2) + "\n" for name in TYPES}


def main() -> None:
    """Write them, and remove what is of no type any more."""
    FOLDER.mkdir(exist_ok=True)
    made = files()
    for path in FOLDER.glob("*.json"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    print(f"{len(made)} event types in {FOLDER.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
