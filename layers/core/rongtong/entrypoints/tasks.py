"""What every task of the state machines has in common: its log lines, its count of write units, its measures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rongtong.domain.errors import RongTongError
from rongtong.entrypoints.bootstrap import context
from rongtong.entrypoints.logs import correlated, logger
from rongtong.entrypoints.metrics import METER
from rongtong.services.context import Context
from rongtong.services.storage import Document

_IDS = ("discount_id", "enterprise_id", "subject", "request_id")


def run_task(use_case: Callable[[Context], Document], event: Document) -> dict[str, Any]:
    """Run a use case; its errors keep their class names, which the state machines match.

    Every line that it logs bears the ids that the event names. Answers the use case's output and ``write_units``, what
    this invocation consumed.
    """
    collaborators = context()
    before = collaborators.store.write_units
    with correlated("task", **{key: str(event[key]) for key in _IDS if event.get(key)}):
        try:
            output = use_case(collaborators)
        except RongTongError as error:
            logger.warning("task refused", extra={"code": error.code})
            raise
        except Exception:
            logger.exception("task failed")
            raise
        finally:
            METER.flush()
        spent = collaborators.store.write_units - before
        logger.info("task done", extra={"write_units": spent})
    return {**output, "write_units": spent}
