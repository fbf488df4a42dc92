"""What only the functions that ask operators need: their credentials, and where a browser's requests may come from."""

from __future__ import annotations

import os
from functools import cache

from rongtong.entrypoints.bootstrap import context
from rongtong.entrypoints.door import Call
from rongtong.entrypoints.errors import HostUnknownError, PageUnknownError
from rongtong.services import credentials as needed
from rongtong.services import operator_passwords

_KEYS_TIMEOUT_S = 4.0


@cache
def credentials() -> needed.Credentials:
    """The collaborators of this deployment, made once per process."""
    # Read when the first operator is asked: most requests of these functions ask none.
    from rongtong.adapters.argon2_hasher import Argon2Hasher
    from rongtong.adapters.breached_passwords import BreachedPasswords
    from rongtong.adapters.cognito import CognitoAccounts, keys_over_http

    context()  # sets the session, and with it timeouts and retries
    env = os.environ
    keys = keys_over_http(env["ACCOUNTS_KEYS_URL"], _KEYS_TIMEOUT_S)
    accounts = CognitoAccounts(env["ACCOUNTS_POOL_ID"], env["ACCOUNTS_CLIENT_ID"], env["ACCOUNTS_ISSUER"], keys)
    return needed.Credentials(accounts, Argon2Hasher(), BreachedPasswords())


def require_known_page(call: Call) -> None:
    """Refuse what a page sends that is not the tenant's, and what was sent to another host than ours.

    A browser names the page's origin (RFC 6454) and cannot leave it out of a POST; a server names none. Raises
    HostUnknownError, PageUnknownError.
    """
    headers = call.request.headers
    hosts = os.environ.get("API_HOSTS", "").lower().split()
    if hosts and str(headers.get("host", "")).lower() not in hosts:
        raise HostUnknownError("This host is not one of the platform's.", field="Host")
    origin = headers.get("origin")
    if origin is not None and str(origin) not in operator_passwords.rules_of(call.context, call.partner_id).origins:
        raise PageUnknownError(
            "Requests of this page are not taken; the tenant's policy names those that are.", field="Origin"
        )
