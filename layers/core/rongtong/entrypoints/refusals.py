"""Requests that were not let in: counted by reason, so that an alarm rings for many of them, and logged with whose they
were: the key that they named, and the address that they came from.
"""

from __future__ import annotations

from rongtong.domain.measures import refused
from rongtong.entrypoints.logs import logger
from rongtong.entrypoints.metrics import METER

_SHOWN_MAX = 200
"""Characters of what a caller wrote that are worth a line of the log."""


def note_refusal(reason: str, **about: str) -> None:
    """Count and log it. Whoever calls flushes METER when the invocation ends.

    ``about`` is told as the request says it: a key whose signature was wrong has not sent it. Raises KeyError for a
    reason that is not one of domain/measures.py.
    """
    METER.note_all(refused(reason))
    shown = {name: text[:_SHOWN_MAX] for name, text in about.items()}
    logger.warning("request refused", extra={"why": reason, **shown})
