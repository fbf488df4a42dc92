"""The dead-letter queues of this deployment, for the operations routes alone."""

from __future__ import annotations

import os
from functools import cache

from rongtong.adapters.dead_letters import AsynchronousPath, SqsDeadLetters
from rongtong.entrypoints.bootstrap import context


@cache
def dead_letters() -> SqsDeadLetters:
    """The queues that ``DEAD_LETTERS`` names: ``name=queue,target``, one for each asynchronous path."""
    context()  # sets the session, and with it timeouts and retries
    return SqsDeadLetters([AsynchronousPath.parse(text) for text in os.environ["DEAD_LETTERS"].split()])
