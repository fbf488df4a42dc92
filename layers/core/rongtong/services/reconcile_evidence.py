"""The evidence log against the events: every event is the leaf that is noted of it, and every leaf is an event's.

The records are read once, in pieces. Memory does not grow with them: a bit for every leaf says whether an event claims
it, and of the log's hashes so many tiles are kept as hold a million leaves. That the tiles lead to the signed head is
checked by the audit.
"""

from __future__ import annotations

import json
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from rongtong.domain.incident import IncidentKind
from rongtong.domain.merkle import leaf_hash
from rongtong.domain.tiles import WIDTH, split_tile, tile_of
from rongtong.services.context import Context
from rongtong.services.errors import LogDamagedError
from rongtong.services.evidence_log import head_of, leaf_of
from rongtong.services.incidents import open_anew, open_once
from rongtong.services.jobs import Piece, Run
from rongtong.services.laid_aside import fetch, lay_aside
from rongtong.services.records import STATE, due_since, event_sk, logged_count, logged_indices
from rongtong.services.storage import Document, Item, Key

_STAGE = "evidence"
_EVENT = "event#"
_PAGE = 1000
_AT_ONCE = 100
_TILES_MAX = 4096
"""32 MiB of hashes."""
_LOGGED_WITHIN = timedelta(hours=1)
_OPENED_MAX = 1000
"""So many breaks of a kind a run opens; it counts all."""
_KINDS = (IncidentKind.EVENT_NOT_IN_LOG, IncidentKind.LEAF_WITHOUT_EVENT, IncidentKind.EVENT_UNLOGGED)


@dataclass
class _Look:
    """How far the stage is, and what it has seen."""

    size: int
    """Leaves of the log when the stage began; what came later is the next run's."""
    claimed: bytearray
    """A bit for each of them: an event is that leaf."""
    after: Key | None = None
    events: int = 0
    unlogged: list[tuple[str, int]] = field(default_factory=list)
    """Partitions of which not every event was noted as logged when they were read, with how many were."""
    breaks: Counter[str] = field(default_factory=Counter)
    tiles: OrderedDict[int, list[bytes]] = field(default_factory=OrderedDict)

    def claim(self, index: int) -> None:
        self.claimed[index // 8] |= 1 << index % 8

    def unclaimed(self) -> Iterator[int]:
        for at, byte in enumerate(self.claimed):
            if byte != 0xFF:
                for bit in range(8):
                    if not byte & 1 << bit and 8 * at + bit < self.size:
                        yield 8 * at + bit


@dataclass(frozen=True)
class _Claim:
    """That an event of a partition is noted as a leaf; ``found`` is the stored event, None: it is gone."""

    pk: str
    number: int
    index: int
    found: Document | None


def piece(context: Context, run: Run) -> Piece:
    """Read on through all records; raises LogDamagedError where a tile is missing."""
    look = _taken_up(context, run)
    while True:
        items, look.after = context.store.scan_page("", after=look.after, most=_PAGE)
        _compare(context, look, items)
        if look.after is None:
            _compare_leaves(context, look)
            return Piece(_counts(look), True, f"{look.events:,} events and {look.size:,} leaves")
        if run.time_is_up():
            aside = lay_aside(context, run, json.dumps(look.unlogged).encode() + b"\n" + bytes(look.claimed))
            kept: Document = {**_counts(look), "after": list(look.after), "aside": aside}
            return Piece(kept, False, f"{look.events:,} events, {look.size:,} leaves in all")


def found(kept: Document) -> Document:
    """What the stage says of itself in the run's evidence."""
    return {name: kept[name] for name in ("events", "leaves", *(kind.lower() for kind in _KINDS))}


def _counts(look: _Look) -> Document:
    return {"events": look.events, "leaves": look.size, **{kind.lower(): look.breaks[kind] for kind in _KINDS}}


def _taken_up(context: Context, run: Run) -> _Look:
    kept = run.kept.get(_STAGE)
    aside = None if kept is None else fetch(context, str(kept["aside"]))
    if kept is None or aside is None:
        size = _log_size(context)
        return _Look(size, bytearray(-(-size // 8)))
    unlogged, _, claimed = aside.partition(b"\n")
    pk, sk = kept["after"]
    breaks = Counter({kind.value: int(kept[kind.lower()]) for kind in _KINDS})
    return _Look(int(kept["leaves"]), bytearray(claimed), (pk, sk), int(kept["events"]), json.loads(unlogged), breaks)


def _log_size(context: Context) -> int:
    head = head_of(context)
    return 0 if head is None else int(head.body["size"])


def _compare(context: Context, look: _Look, items: Sequence[Item]) -> None:
    """The aggregates whose state is among these; their events are read where they are not."""
    events: dict[str, dict[str, Document]] = {}
    for item in items:
        if item.sk.startswith(_EVENT):
            events.setdefault(item.pk, {})[item.sk] = item.body
    claims: list[_Claim] = []
    for item in items:
        if item.sk == STATE and type(item.body.get("events")) is int:
            own = events.get(item.pk, {})
            if len(own) < item.body["events"]:
                own = _events_of(context, item.pk)
            claims += _claims(item, own)
            _look_at_unlogged(context, look, item, own)
            look.events += int(item.body["events"])
    _hold_against_log(context, look, claims)


def _events_of(context: Context, pk: str) -> dict[str, Document]:
    return {event.sk: event.body for event in context.store.query(pk, _EVENT)}


def _claims(item: Item, events: Mapping[str, Document]) -> Iterator[_Claim]:
    for number, index in enumerate(logged_indices(item.body), start=1):
        yield _Claim(item.pk, number, index, events.get(event_sk(number)))


def _is_leaf(document: Document | None, leaf: bytes) -> bool:
    """Whether the stored event makes this leaf hash.

    What the standard library writes quickly are the canonical bytes for all but odd names, and an event that makes the
    hash is the one that was logged, however its bytes were written; only what seems to differ is written with care.
    """
    if document is None:
        return False
    try:
        text = json.dumps(document["event"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        quick = leaf_hash(sha256(bytes.fromhex(document["salt"]) + text.encode()).digest())
    except (KeyError, ValueError, TypeError):
        return False  # altered so that it makes no leaf at all
    return quick == leaf or _hash_of(document) == leaf


def _hash_of(document: Document) -> bytes:
    try:
        return leaf_hash(leaf_of(document))
    except (KeyError, ValueError, TypeError):
        return b""


def _hold_against_log(context: Context, look: _Look, claims: Sequence[_Claim]) -> None:
    _read_tiles(context, look, sorted({claim.index // WIDTH for claim in claims if 0 <= claim.index < look.size}))
    grown: int | None = None
    for claim in claims:
        if 0 <= claim.index < look.size:
            if _is_leaf(claim.found, look.tiles[claim.index // WIDTH][claim.index % WIDTH]):
                look.claim(claim.index)
                continue
            what = "MISSING" if claim.found is None else "ALTERED"
        else:
            grown = _log_size(context) if grown is None else grown
            if 0 <= claim.index < grown:
                continue  # it came into the log after the stage began
            what = "BEYOND_THE_LOG"
        data: Document = {"n": claim.number, "index": claim.index, "what": what}
        _open(context, look, IncidentKind.EVENT_NOT_IN_LOG, claim.pk, f"{claim.pk}/{claim.number}/{what}", data)
    while len(look.tiles) > _TILES_MAX:
        look.tiles.popitem(last=False)


def _read_tiles(context: Context, look: _Look, numbers: Sequence[int]) -> None:
    missing = [number for number in numbers if number not in look.tiles]
    for at in range(0, len(missing), _AT_ONCE):
        tiles = [tile_of(0, number, look.size) for number in missing[at : at + _AT_ONCE]]
        for tile, content in zip(tiles, context.files.get_all([tile.path() for tile in tiles]), strict=True):
            if content is None:
                raise LogDamagedError(f"The log's {tile.path()} is missing; restore it from the mirror or the backup.")
            look.tiles[tile.index] = split_tile(tile, content)


def _look_at_unlogged(context: Context, look: _Look, item: Item, events: Mapping[str, Document]) -> None:
    """What is not logged is late an hour after it happened; what waits for a person is logged once it goes on."""
    first = logged_count(item.body) + 1
    if first > item.body["events"]:
        return
    look.unlogged.append((item.pk, first - 1))
    limit = context.clock.now() - _LOGGED_WITHIN
    if item.due is not None and datetime.fromisoformat(due_since(item)) > limit:
        return
    for number in range(first, int(item.body["events"]) + 1):
        event: Any = events.get(event_sk(number), {}).get("event", {})
        if "at" not in event or datetime.fromisoformat(str(event["at"])) <= limit:
            data: Document = {"n": number, "type": event.get("type")}
            _open(context, look, IncidentKind.EVENT_UNLOGGED, item.pk, f"{item.pk}/{number}", data)


def _compare_leaves(context: Context, look: _Look) -> None:
    """What no event claims by now is nobody's, unless it is an event's that was on its way when it was read."""
    waiting: set[bytes] = set()
    for at in range(0, len(look.unlogged), _AT_ONCE):
        part = look.unlogged[at : at + _AT_ONCE]
        states = context.store.get_many([(pk, STATE) for pk, _ in part])
        for (_, logged), item in zip(part, states, strict=True):
            if item is not None:
                events = _events_of(context, item.pk)
                _hold_against_log(context, look, [one for one in _claims(item, events) if one.number > logged])
                waiting |= {_hash_of(body) for body in events.values()}
    for index in look.unclaimed():
        _read_tiles(context, look, [index // WIDTH])
        if look.tiles[index // WIDTH][index % WIDTH] in waiting:
            continue
        name = f"leaf/{index}"
        _open(context, look, IncidentKind.LEAF_WITHOUT_EVENT, name, name, {"index": index})
        while len(look.tiles) > _TILES_MAX:
            look.tiles.popitem(last=False)


def _open(context: Context, look: _Look, kind: IncidentKind, pk: str, about: str, data: Document) -> None:
    look.breaks[kind] += 1
    if look.breaks[kind] > _OPENED_MAX:
        return
    subject = pk.removeprefix("discount#")
    # An event that is logged late is one break until a person has settled it; one that stays so is another.
    (open_anew if kind is IncidentKind.EVENT_UNLOGGED else open_once)(context, kind, subject, about, data)
