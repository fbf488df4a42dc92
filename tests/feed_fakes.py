"""Stand-ins for the feed: the list of connections in memory, and the way to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rongtong.services.supervision_feed import Connection


@dataclass
class Listed:
    """Connections in memory."""

    noted: dict[str, Connection] = field(default_factory=dict)

    def all(self) -> list[Connection]:
        return list(self.noted.values())

    def note(self, connection: Connection) -> None:
        self.noted[connection.connection_id] = connection

    def forget(self, connection_ids: Sequence[str]) -> None:
        for one in connection_ids:
            self.noted.pop(one, None)


@dataclass
class Door:
    """Connections that are open, with what came; ``broken`` ones raise."""

    open: set[str]
    broken: set[str] = field(default_factory=set)
    came: dict[str, list[str]] = field(default_factory=dict)
    hung_up: list[str] = field(default_factory=list)

    def send(self, connection_id: str, text: str) -> bool:
        if connection_id in self.broken:
            raise TimeoutError
        if connection_id in self.open:
            self.came.setdefault(connection_id, []).append(text)
        return connection_id in self.open

    def hang_up(self, connection_id: str) -> None:
        self.hung_up.append(connection_id)
        self.open.discard(connection_id)
