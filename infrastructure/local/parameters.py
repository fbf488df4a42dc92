"""What `sam deploy` is told of a deployment: the parameters of a file in infrastructure/parameters, and their digest.

    sam deploy … $(python infrastructure/local/parameters.py infrastructure/parameters/platform-20000-a-year.json)

The files are CloudFormation's deployment files (Git sync), which cfn-lint reads too. ``Release`` is the digest: a
function behind an alias runs as it was when its version was published, and a parameter that changes publishes none.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any


def overrides(path: Path) -> list[str]:
    """``Name=value`` of each parameter in order, lists joined by commas, and of ``Release``.

    Raises ValueError where a value has a space, which the command line above would take for the next parameter.
    """
    given: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["parameters"]
    values = {name: ",".join(value) if isinstance(value, list) else str(value) for name, value in given.items()}
    for name, value in values.items():
        if any(character.isspace() for character in value):
            raise ValueError(f"{name} has a space in it; give it to sam deploy by hand")
    text = json.dumps(values, sort_keys=True)
    release = hashlib.sha256(text.encode()).hexdigest()[:16]
    return [f"{name}={value}" for name, value in sorted({**values, "Release": release}.items())]


if __name__ == "__main__":
    print("--parameter-overrides", *overrides(Path(sys.argv[1])))
