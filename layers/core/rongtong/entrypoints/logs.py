"""Structured logs: one JSON line each, with the subject's id, never with personal data or secrets.

One id leads from a request to the bank: ``request_id`` is what the API answered as ``X-Request-Id``, is kept with the
discount and goes through its state machine, and so stands in every line that is logged for it, with ``discount_id``;
the lines of the bank's calls bear the payment's ``reference`` too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from aws_lambda_powertools import Logger

logger = Logger(service="rongtong")


@contextmanager
def correlated(name: str, **keys: str) -> Iterator[None]:
    """Whatever is logged until it ends bears these ids, and so does its part of the trace where tracing is on."""
    logger.append_keys(**keys)
    try:
        if os.environ.get("TRACING") == "Active":
            from rongtong.entrypoints import tracing

            with tracing.subsegment(name, keys):
                yield
        else:
            yield
    finally:
        logger.remove_keys(list(keys))
