"""Operators' accounts in a user pool of Amazon Cognito, and the access tokens that it signs (RFC 7519, RS256).

The pool's own threat protection counts wrong logins; a password is seen here only while it is handed on.
"""

from __future__ import annotations

import json
import secrets
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, NoReturn

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

from rongtong.adapters.http import HttpClient, UnansweredError
from rongtong.domain.passwords import PasswordError
from rongtong.services.credentials import AccountsUnavailableError, Login, LoginError

_KEYS_AGE_MIN_S = 60.0
"""How often keys are asked for at most, however many tokens name unknown ones."""
_TOKEN_LENGTH_MAX = 8192
_LEEWAY_S = 30


class PoolKeys:
    """The pool's public signing keys (RFC 7517), read again when a token names one that is not known yet."""

    def __init__(self, fetch: Callable[[], Mapping[str, Any]], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._monotonic = monotonic
        self._keys: dict[str, RSAPublicKey] = {}
        self._read_at = float("-inf")

    def find(self, key_id: str) -> RSAPublicKey | None:
        """The key of this id. Raises AccountsUnavailableError."""
        if key_id not in self._keys and self._monotonic() - self._read_at >= _KEYS_AGE_MIN_S:
            document = self._fetch()
            self._keys = {str(key["kid"]): _public_key(key) for key in document["keys"] if key.get("kty") == "RSA"}
            self._read_at = self._monotonic()
        return self._keys.get(key_id)


def keys_over_http(url: str, timeout_s: float) -> PoolKeys:
    """The keys behind this URL."""
    client = HttpClient(url, timeout_s)

    def fetch() -> Mapping[str, Any]:
        try:
            return client.require("GET", "")
        except UnansweredError as error:
            raise AccountsUnavailableError("The login service's keys cannot be read; try again.") from error

    return PoolKeys(fetch)


class CognitoAccounts:
    """Accounts of one user pool, named by the operators' ids; its client is the one that partners' pages log in by."""

    def __init__(
        self, pool_id: str, client_id: str, issuer: str, keys: PoolKeys, now: Callable[[], float] = time.time
    ) -> None:
        self._pool_id = pool_id
        self._client_id = client_id
        self._issuer = issuer
        self._keys = keys
        self._now = now

    @cached_property
    def _cognito(self) -> Any:
        return boto3.client("cognito-idp")

    def create(self, name: str, mobile: str) -> None:
        """An account with a random password that nobody is told and that must be replaced before anybody logs in."""
        try:
            self._cognito.admin_create_user(
                UserPoolId=self._pool_id,
                Username=name,
                UserAttributes=[{"Name": "phone_number", "Value": f"+86{mobile}"}],
                TemporaryPassword=f"Aa1!{secrets.token_urlsafe(24)}",
                MessageAction="SUPPRESS",
            )
        except ClientError as error:
            if _code(error) != "UsernameExistsException":
                _unavailable(error)
        except BotoCoreError as error:
            _unavailable(error)

    def set_password(self, name: str, password: str) -> None:
        """Set the first password. Raises PasswordError, AccountsUnavailableError."""
        self._call(
            "admin_set_user_password", UserPoolId=self._pool_id, Username=name, Password=password, Permanent=True
        )

    def change_password(self, access_token: str, present: str, password: str) -> None:
        """Change it. Raises LoginError, PasswordError, AccountsUnavailableError."""
        changes = {"PreviousPassword": present, "ProposedPassword": password, "AccessToken": access_token}
        self._call("change_password", **changes)

    def enable(self, name: str, *, enabled: bool) -> None:
        """Let the account log in, or no longer, and no refresh either. Raises AccountsUnavailableError."""
        named = {"UserPoolId": self._pool_id, "Username": name}
        if enabled:
            self._call("admin_enable_user", **named)
            return
        self._call("admin_disable_user", **named)
        self._call("admin_user_global_sign_out", **named)

    def delete(self, name: str) -> None:
        """Log the account out everywhere, and delete it with its mobile. Raises AccountsUnavailableError."""
        for method in ("admin_user_global_sign_out", "admin_delete_user"):
            try:
                getattr(self._cognito, method)(UserPoolId=self._pool_id, Username=name)
            except ClientError as error:
                if _code(error) != "UserNotFoundException":
                    _unavailable(error)
            except BotoCoreError as error:
                _unavailable(error)

    def login(self, access_token: str) -> Login:
        """Whose access token of this pool and client it is, and how long ago its owner entered the password.

        Raises LoginError, AccountsUnavailableError.
        """
        claims = self._verified(access_token)
        now = self._now()
        expected = {"iss": self._issuer, "client_id": self._client_id, "token_use": "access"}
        if any(claims.get(name) != value for name, value in expected.items()):
            _refuse()
        name, since, until = claims.get("username"), claims.get("auth_time"), claims.get("exp")
        if not isinstance(name, str) or not isinstance(since, int) or not isinstance(until, int):
            _refuse()
        if now >= until or since > now + _LEEWAY_S:
            _refuse()
        return Login(name, max(0, int(now - since)))

    def _verified(self, token: str) -> Mapping[str, Any]:
        """The claims, once the pool's key has signed them; the algorithm is ours, never the token's."""
        parts = token.split(".")
        if len(parts) != 3 or len(token) > _TOKEN_LENGTH_MAX:
            _refuse()
        try:
            header, claims = (json.loads(_decoded(part)) for part in parts[:2])
            signature = _decoded(parts[2])
        except (ValueError, RecursionError):
            _refuse()
        if not isinstance(header, dict) or not isinstance(claims, dict) or header.get("alg") != "RS256":
            _refuse()
        key = self._keys.find(str(header.get("kid")))
        if key is None:
            _refuse()
        try:
            key.verify(signature, f"{parts[0]}.{parts[1]}".encode("ascii"), PKCS1v15(), SHA256())
        except (InvalidSignature, UnicodeEncodeError):
            _refuse()
        return claims

    def _call(self, operation: str, **parameters: Any) -> None:
        try:
            getattr(self._cognito, operation)(**parameters)
        except ClientError as error:
            code = _code(error)
            if code in ("InvalidPasswordException", "PasswordHistoryPolicyViolationException"):
                raise PasswordError("The login service does not take this password; choose another.") from error
            if code in ("NotAuthorizedException", "UserNotFoundException", "UserNotConfirmedException"):
                raise LoginError("The login or the present password is not right.", field="present") from error
            _unavailable(error)
        except BotoCoreError as error:
            _unavailable(error)


def _public_key(key: Mapping[str, Any]) -> RSAPublicKey:
    modulus, exponent = (int.from_bytes(_decoded(str(key[name])), "big") for name in ("n", "e"))
    return RSAPublicNumbers(exponent, modulus).public_key()


def _decoded(text: str) -> bytes:
    """base64url without padding (RFC 7515 section 2)."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])


def _refuse() -> NoReturn:
    raise LoginError("The operator is not logged in; log in again.", field="access_token")


def _unavailable(error: Exception) -> NoReturn:
    raise AccountsUnavailableError("The login service did not answer; send the same request again.") from error
