"""What the operators' credentials need from outside: the accounts that log in, a password hash, lists of breaches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from rongtong.domain.errors import RongTongError


class AccountsUnavailableError(RongTongError):
    """The login service did not answer; nothing is decided."""

    code = "ACCOUNTS_UNAVAILABLE"


class LoginError(RongTongError):
    """The operator is not logged in: the token is not valid, not fresh, or another operator's."""

    code = "LOGIN_REQUIRED"


@dataclass(frozen=True)
class Login:
    """Who logged in, by the name its account was made under, and how many seconds ago."""

    name: str
    age_s: int


class Accounts(Protocol):
    """Accounts that log in by a password which the platform neither stores nor sees again."""

    def create(self, name: str, mobile: str) -> None:
        """An account that cannot log in before it has a password; one that exists is no change.

        Raises AccountsUnavailableError.
        """

    def set_password(self, name: str, password: str) -> None:
        """Set the first password. Raises PasswordError where the service refuses it, AccountsUnavailableError."""

    def change_password(self, access_token: str, present: str, password: str) -> None:
        """Change it for who is logged in and knows the present one.

        Raises LoginError, PasswordError, AccountsUnavailableError.
        """

    def enable(self, name: str, *, enabled: bool) -> None:
        """Let the account log in again, or no longer, wherever it was logged in. Raises AccountsUnavailableError."""

    def delete(self, name: str) -> None:
        """Delete the account and what it holds; one that is not there is no error. Raises AccountsUnavailableError."""

    def login(self, access_token: str) -> Login:
        """Whose token it is. Raises LoginError, AccountsUnavailableError."""


class PasswordHasher(Protocol):
    """A slow, salted hash whose text names its own parameters."""

    def hash(self, password: str) -> str:
        """The hash to store; another one each time."""

    def verify(self, stored: str, password: str) -> bool:
        """Whether it is the password's."""

    def is_outdated(self, stored: str) -> bool:
        """Whether it was made with weaker parameters than today's."""


class SealingKeys(Protocol):
    """The keys under which pages seal what only the platform may read; one is published, the one before may count."""

    def published(self) -> dict[str, str]:
        """The public key to seal under (domain/sealed.py ``public_jwk``)."""

    def unwrapped(self, key_id: str, wrapped_key: bytes) -> bytes:
        """The content's key. Raises SealedKeyUnknownError, SealedUnreadableError."""


@dataclass(frozen=True)
class Credentials:
    """The collaborators beside the Context; only the functions that ask operators load them."""

    accounts: Accounts
    hasher: PasswordHasher
    breached: Callable[[str], bool]
    """Whether the list of breached passwords has this one, in lower case."""
    keys: SealingKeys
