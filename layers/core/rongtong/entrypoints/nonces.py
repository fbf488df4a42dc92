"""The table of used nonces of this deployment, for the authorizer alone."""

from __future__ import annotations

import os
from functools import cache

from rongtong.adapters.nonces import NonceTable
from rongtong.entrypoints.bootstrap import context


@cache
def nonces() -> NonceTable:
    """The table that ``NONCE_TABLE`` names."""
    context()  # sets the session, and with it timeouts and retries
    return NonceTable(os.environ["NONCE_TABLE"])
