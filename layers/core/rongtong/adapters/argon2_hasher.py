"""Password hashes by Argon2id (RFC 9106)."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

MEMORY_KIB = 19 * 1024
ITERATIONS = 2
LANES = 1
"""OWASP's first choice for Argon2id: 19 MiB, 2 passes, 1 lane. 40 ms of one core; a function of 512 MB has a third of
one, and its memory holds one such computation beside everything else, since it serves one request at a time."""


class Argon2Hasher:
    """Hashes with a salt of 16 random bytes each; the text names the parameters (PHC string)."""

    def __init__(self, *, memory_kib: int = MEMORY_KIB, iterations: int = ITERATIONS) -> None:
        self._hasher = PasswordHasher(
            time_cost=iterations, memory_cost=memory_kib, parallelism=LANES, hash_len=32, salt_len=16, type=Type.ID
        )

    def hash(self, password: str) -> str:
        """The hash to store; another one each time."""
        return self._hasher.hash(password)

    def verify(self, stored: str, password: str) -> bool:
        """Whether it is the password's; compared in constant time. False for what is no hash at all."""
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    def is_outdated(self, stored: str) -> bool:
        """Whether it was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)
