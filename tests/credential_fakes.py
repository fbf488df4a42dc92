"""Stand-ins for the operators' accounts and password hash; the contract suites hold them to the real ones."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from rongtong.services.credentials import Credentials, Login, LoginError
from sealing import MemorySealingKeys


@dataclass
class MemoryAccounts:
    """Accounts with their passwords; a token is ``token-<name>``, whose login is ``age_s`` seconds old."""

    passwords: dict[str, str | None] = field(default_factory=dict)
    disabled: set[str] = field(default_factory=set)
    age_s: int = 5

    def create(self, name: str, mobile: str) -> None:
        self.passwords.setdefault(name, None)

    def set_password(self, name: str, password: str) -> None:
        if name not in self.passwords:
            raise LoginError("no such account")
        self.passwords[name] = password

    def change_password(self, access_token: str, present: str, password: str) -> None:
        name = self.login(access_token).name
        if self.passwords[name] != present:
            raise LoginError("The login or the present password is not right.", field="present")
        self.passwords[name] = password

    def enable(self, name: str, *, enabled: bool) -> None:
        (self.disabled.discard if enabled else self.disabled.add)(name)

    def delete(self, name: str) -> None:
        self.passwords.pop(name, None)

    def login(self, access_token: str) -> Login:
        name = access_token.removeprefix("token-")
        if name == access_token or self.passwords.get(name) is None or name in self.disabled:
            raise LoginError("The operator is not logged in; log in again.", field="access_token")
        return Login(name, self.age_s)


@dataclass
class QuickHasher:
    """A hash that costs nothing, and counts how often it was asked."""

    verified: int = 0

    def hash(self, password: str) -> str:
        return hashlib.sha256(password.encode()).hexdigest()

    def verify(self, stored: str, password: str) -> bool:
        self.verified += 1
        return stored == self.hash(password)

    def is_outdated(self, stored: str) -> bool:
        return False


def make_credentials(**replaced: object) -> Credentials:
    """Credentials of stand-ins; ``hunter2hunter2`` and ``password`` are breached."""
    parts = {
        "accounts": MemoryAccounts(),
        "hasher": QuickHasher(),
        "breached": {"hunter2hunter2x", "password"}.__contains__,
        "keys": MemorySealingKeys(),
    }
    return Credentials(**{**parts, **replaced})  # type: ignore[arg-type]
