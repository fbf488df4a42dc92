"""Asking the DNS whether names are registered, many at once, over UDP to the resolvers that the system names.

``socket.getaddrinfo`` would neither tell a name without an address from one that does not exist, nor end in time. What
is asked for is the name's NS records (RFC 1035): a registered domain has them before it has any site.
"""

from __future__ import annotations

import secrets
import socket
import struct
import time
from collections.abc import Sequence
from pathlib import Path

_HEADER = struct.Struct("!6H")
_RECURSE, _ANSWER, _TRUNCATED, _CODE = 0x0100, 0x8000, 0x0200, 0x000F
_NS, _IN = 2, 1
_NO_ERROR, _NO_SUCH_NAME = 0, 3
_PORT = 53
_BYTES_MAX = 4096
_SYSTEM = Path("/etc/resolv.conf")


class UdpNames:
    """Implements services.ports.DomainNames."""

    def __init__(self, servers: Sequence[tuple[str, int]] = (), timeout_s: float = 2.0, tries: int = 2) -> None:
        """``servers`` are asked in turn, one in each try; none: those of the system."""
        self._servers = tuple(servers)
        self._timeout_s = timeout_s
        self._tries = tries

    def registered(self, names: Sequence[str]) -> dict[str, bool]:
        """Whether each is registered; a name that nobody answered for in time is left out."""
        servers = self._servers or _system_servers()
        found: dict[str, bool] = {}
        for turn in range(self._tries if servers else 0):
            left = [name for name in names if name not in found]
            if left:
                found.update(self._ask(servers[turn % len(servers)], left))
        return found

    def _ask(self, server: tuple[str, int], names: Sequence[str]) -> dict[str, bool]:
        family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
        found: dict[str, bool] = {}
        with socket.socket(family, socket.SOCK_DGRAM) as line:
            try:
                line.connect(server)  # answers of anybody else are not read
                waiting = dict(_sent(line, name) for name in names)
                ends = time.monotonic() + self._timeout_s
                while waiting and (left := ends - time.monotonic()) > 0:
                    line.settimeout(left)
                    answer = line.recv(_BYTES_MAX)
                    if answer[:2] in waiting and answer[_HEADER.size :].startswith(waiting[answer[:2]][1]):
                        name, _ = waiting.pop(answer[:2])
                        told = _told(answer)
                        if told is not None:
                            found[name] = told
            except OSError:
                return found  # timed out, or nobody is there
        return found


def _sent(line: socket.socket, name: str) -> tuple[bytes, tuple[str, bytes]]:
    """Send a question; its random number, with the name and the question that an answer must repeat."""
    number = secrets.token_bytes(2)
    labels = (label.encode("ascii") for label in name.split("."))
    question = b"".join(bytes([len(label)]) + label for label in labels) + b"\0" + struct.pack("!2H", _NS, _IN)
    line.send(_HEADER.pack(int.from_bytes(number, "big"), _RECURSE, 1, 0, 0, 0) + question)
    return number, (name, question)


def _told(answer: bytes) -> bool | None:
    """Whether the name is registered; None for an answer that does not say."""
    _, flags, _, records, _, _ = _HEADER.unpack_from(answer)
    if not flags & _ANSWER:
        return None
    code = flags & _CODE
    if code == _NO_SUCH_NAME:
        return False
    return bool(records or flags & _TRUNCATED) if code == _NO_ERROR else None


def _system_servers() -> tuple[tuple[str, int], ...]:
    try:
        lines = _SYSTEM.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return ()
    words = (line.split() for line in lines)
    return tuple((line[1], _PORT) for line in words if len(line) > 1 and line[0] == "nameserver")
