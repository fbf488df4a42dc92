"""The list of breached passwords, local: no part of a password leaves the process to be looked up."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

_FILE = Path(__file__).with_name("breached_passwords.bin")
_BYTES = 6
"""Of a SHA-256, of each password: 48 bits take one good password for a breached one in seven billion."""


def packed(passwords: Iterable[str]) -> bytes:
    """The file of a list: the beginnings of the hashes of the passwords in lower case, sorted, each once."""
    return b"".join(sorted({_beginning(password.casefold()) for password in passwords}))


class BreachedPasswords:
    """Looks up in a file that ``packed`` wrote; the one beside this module has 40,000 of the commonest."""

    def __init__(self, path: Path = _FILE) -> None:
        self._path = path

    def __call__(self, password: str) -> bool:
        """Whether the list has this password, given in lower case."""
        wanted, entries = _beginning(password), self._entries
        low, high = 0, len(entries) // _BYTES
        while low < high:
            middle = (low + high) // 2
            found = entries[middle * _BYTES : (middle + 1) * _BYTES]
            if found == wanted:
                return True
            low, high = (middle + 1, high) if found < wanted else (low, middle)
        return False

    @cached_property
    def _entries(self) -> bytes:
        return self._path.read_bytes()


def _beginning(password: str) -> bytes:
    return hashlib.sha256(password.encode()).digest()[:_BYTES]
