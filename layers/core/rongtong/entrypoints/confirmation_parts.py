"""What only the functions that ask operators need: their credentials, where a browser's requests may come from, and
what a page sealed.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from rongtong.domain.sealed import About, SealedFormatError, content_of, read
from rongtong.entrypoints.bootstrap import context
from rongtong.entrypoints.door import Call
from rongtong.entrypoints.errors import HostUnknownError, InvalidBodyError, PageUnknownError
from rongtong.services import credentials as needed
from rongtong.services import operator_passwords

if TYPE_CHECKING:
    from pydantic import BaseModel

    from rongtong.entrypoints.confirmation_models import Sealable

Secrets = TypeVar("Secrets", bound="BaseModel")

_KEYS_TIMEOUT_S = 4.0


@cache
def credentials() -> needed.Credentials:
    """The collaborators of this deployment, made once per process."""
    # Read when the first operator is asked: most requests of these functions ask none.
    from rongtong.adapters.argon2_hasher import Argon2Hasher
    from rongtong.adapters.breached_passwords import BreachedPasswords
    from rongtong.adapters.cognito import CognitoAccounts, keys_over_http
    from rongtong.adapters.sealing_keys import KmsSealingKeys

    context()  # sets the session, and with it timeouts and retries
    env = os.environ
    keys = keys_over_http(env["ACCOUNTS_KEYS_URL"], _KEYS_TIMEOUT_S)
    accounts = CognitoAccounts(env["ACCOUNTS_POOL_ID"], env["ACCOUNTS_CLIENT_ID"], env["ACCOUNTS_ISSUER"], keys)
    sealing_keys = KmsSealingKeys(env["SEALING_KEY_IDS"].split())
    return needed.Credentials(accounts, Argon2Hasher(), BreachedPasswords(), sealing_keys)


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


def secrets_of(call: Call, given: needed.Credentials, body: Sealable, model: type[Secrets], about: About) -> Secrets:
    """What the operator entered: what the body says readably, or what the page sealed of the same members.

    Raises InvalidBodyError, SealedRequiredError, and the errors of sealed texts; none repeats what was entered.
    """
    from pydantic import ValidationError

    readable = {name: getattr(body, name) for name in model.model_fields if getattr(body, name) is not None}
    if body.sealed is None:
        operator_passwords.rules_of(call.context, call.partner_id).require_readable_allowed(field="sealed")
        try:
            return model.model_validate(readable)
        except ValidationError as error:
            raise InvalidBodyError(f"Send {_names(model)}, or sealed in their place.", field="sealed") from error
    if readable:
        raise InvalidBodyError(
            f"What is sealed is not sent readable too: leave {next(iter(readable))} out.", field="sealed"
        )
    sealed = read(body.sealed, about, call.context.clock.now())
    content = content_of(sealed.opened(given.keys.unwrapped(sealed.key_id, sealed.wrapped_key)))
    try:
        return model.model_validate(content)
    except ValidationError:
        raise SealedFormatError(
            f"What it holds is not {_names(model)} as the API describes them.", field="sealed"
        ) from None


def _names(model: type[BaseModel]) -> str:
    return ", ".join(name if one.is_required() else f"perhaps {name}" for name, one in model.model_fields.items())
