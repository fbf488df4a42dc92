"""One stack on the emulator for all end-to-end tests: the real template, IAM enforced, two partners' enterprises."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deployed import Deployed, running
from paths import BUILD


@pytest.fixture(scope="session")
def deployed() -> Iterator[Deployed]:
    with running(BUILD / "test", lambda step: None) as stack:
        yield stack
