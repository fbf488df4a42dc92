"""The API's description as it is served: the file that `make docs` writes beside this module."""

from __future__ import annotations

from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("openapi.json")


@cache
def api_document() -> str:
    """OpenAPI 3.1, JSON."""
    return FILE.read_text(encoding="utf-8")
