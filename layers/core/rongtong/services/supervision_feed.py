"""Hints to supervisors that are connected: the log's cosigned head has moved, ask for what is new.

A hint says nothing that is not published, and nothing is lost with one: whoever is told goes on from its own cursor,
and the next hint makes up for one that did not come. So whatever goes wrong here is noted and forgotten.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from rongtong.domain.access import AccessRecordError, Refusal, judge
from rongtong.domain.errors import RongTongError
from rongtong.services.access import key_holder
from rongtong.services.context import Context
from rongtong.services.cosigning import stored_note
from rongtong.services.records import iso
from rongtong.services.storage import Document

SCOPE = "supervision:read"
OF_A_KEY_MAX = 5
"""Connections that one key has at once; a further one takes the place of its oldest in the list."""
LIFE = timedelta(hours=2, minutes=5)
"""API Gateway closes every connection after two hours, and tells of it mostly, not always."""
_BUDGET_S = 20.0
"""Inside the function's 30 seconds."""


@dataclass(frozen=True)
class Connection:
    """A supervisor's open connection: by which key, from where, since when (ISO 8601)."""

    connection_id: str
    key_id: str
    address: str
    since: str


class Connections(Protocol):
    """The list of open connections."""

    def all(self) -> Sequence[Connection]:
        """Those that are noted, each once, in no order."""

    def note(self, connection: Connection) -> None:
        """Put one in."""

    def forget(self, connection_ids: Sequence[str]) -> None:
        """Take some out, whether or not they are in."""


class HintDoor(Protocol):
    """How connections are reached."""

    def send(self, connection_id: str, text: str) -> bool:
        """Send; False where there is no such connection any more."""

    def hang_up(self, connection_id: str) -> None:
        """Close, if it is open."""


def connected(connections: Connections, connection: Connection) -> None:
    """Note a connection that the authorizer let in."""
    own = sorted((one for one in connections.all() if one.key_id == connection.key_id), key=lambda one: one.since)
    if beyond := own[: max(0, len(own) + 1 - OF_A_KEY_MAX)]:
        connections.forget([one.connection_id for one in beyond])
    connections.note(connection)


def hint(note: str) -> str:
    """What is pushed: ``size`` of the cosigned log, ``after`` as the feed's own cursor is once all of it was read, and
    the checkpoint itself.
    """
    size = int(note.split("\n")[1])
    return json.dumps({"after": size - 1, "size": size, "checkpoint": note}, ensure_ascii=False)


def push(context: Context, connections: Connections, door: HintDoor, now: datetime) -> Document:
    """Send the newest cosigned checkpoint to every connection whose key may still follow; the others are closed.

    ``now`` is the time by which keys are judged. Answers how many were told, closed and gone, and what failed by its
    code; none of these failures is raised.
    """
    told, closed, gone, failed = 0, 0, list[str](), list[str]()
    open_now = connections.all()
    note = stored_note(context) if open_now else ""
    text = hint(note) if note else ""
    refusals: dict[tuple[str, str], bool] = {}
    until = context.clock.monotonic() + _BUDGET_S
    for one in open_now:
        if context.clock.monotonic() >= until:
            failed.append("TIME_IS_UP")
            break
        if one.since < iso(now - LIFE):
            gone.append(one.connection_id)
            continue
        try:
            whose = (one.key_id, one.address)
            if whose not in refusals:
                refusals[whose] = _may_not(context, one, now)
            if refusals[whose]:
                gone.append(one.connection_id)
                door.hang_up(one.connection_id)
                closed += 1
            elif text and door.send(one.connection_id, text):
                told += 1
            elif text:
                gone.append(one.connection_id)
        except Exception as error:
            failed.append(error.code if isinstance(error, RongTongError) else type(error).__name__)
    if gone:
        connections.forget(gone)
    return {"told": told, "closed": closed, "gone": len(gone) - closed, "failed": failed}


def _may_not(context: Context, connection: Connection, now: datetime) -> bool:
    """Whether the key that opened the connection may not follow any more."""
    try:
        holder = key_holder(context.store, connection.key_id)
    except AccessRecordError:
        return True
    if holder is None:
        return True
    refusal: Refusal | None = judge(holder.tenant, holder.key, now=now, address=connection.address, scope=SCOPE)
    return refusal is not None


def connection_of(about: Mapping[str, object], key_id: str, address: str, now: datetime) -> Connection:
    """The connection that API Gateway tells of."""
    return Connection(str(about["connectionId"]), key_id, address, iso(now))
