"""The supervisors' connections of this deployment, for the functions that keep or reach them alone."""

from __future__ import annotations

import os
from functools import cache

from rongtong.adapters.feed_connections import FeedConnections
from rongtong.adapters.feed_door import ManagementDoor
from rongtong.entrypoints.bootstrap import context


@cache
def connections() -> FeedConnections:
    """The list, in the table that ``NONCE_TABLE`` names."""
    context()  # sets the session, and with it timeouts and retries
    return FeedConnections(os.environ["NONCE_TABLE"])


@cache
def door() -> ManagementDoor:
    """Through the stage that ``FEED_URL`` names."""
    context()
    return ManagementDoor(os.environ["FEED_URL"])
