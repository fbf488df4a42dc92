"""What every task of the state machines has in common: its log line and its count of write units."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rongtong.domain.errors import RongTongError
from rongtong.entrypoints.bootstrap import context
from rongtong.entrypoints.logs import logger
from rongtong.services.context import Context
from rongtong.services.storage import Document


def run_task(use_case: Callable[[Context], Document], event: Document) -> dict[str, Any]:
    """Run a use case; its errors keep their class names, which the state machines match.

    Answers the use case's output and ``write_units``, what this invocation consumed.
    """
    collaborators = context()
    before = collaborators.store.write_units
    subject: Document = {key: event[key] for key in ("discount_id", "enterprise_id", "subject") if key in event}
    try:
        output = use_case(collaborators)
    except RongTongError as error:
        logger.warning("task refused", extra={**subject, "code": error.code})
        raise
    except Exception:
        logger.exception("task failed", extra=subject)
        raise
    spent = collaborators.store.write_units - before
    logger.info("task done", extra={**subject, "write_units": spent})
    return {**output, "write_units": spent}
