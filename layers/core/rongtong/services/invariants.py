"""What must hold of everything that is stored, at any moment at which no transaction is half done.

One sentence, one check. The restore drill holds a restored backup to them, and the fault explorer every state that it
reaches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from typing import Any

from rongtong.domain.checkpoint import CheckpointError, open_checkpoint
from rongtong.domain.lifecycle import UNPAID_ENDS, DiscountStatus
from rongtong.domain.log_check import LogCheck, new_files
from rongtong.domain.payment import PaymentStatus
from rongtong.domain.tiles import WIDTH, Tile, TileError, split_bundle
from rongtong.services import exposure_ledger
from rongtong.services.context import Context
from rongtong.services.cosigning import log_key
from rongtong.services.evidence_log import head_of, leaf_of
from rongtong.services.payments import series_of
from rongtong.services.records import STATE, at_rest, logged_indices, payment_sk
from rongtong.services.seal import contract_key
from rongtong.services.storage import Document, Item, Key, Store

_SEALED = frozenset({DiscountStatus.SEALED, DiscountStatus.DISBURSED, DiscountStatus.RETURNED})
_PAID = frozenset({DiscountStatus.DISBURSED, DiscountStatus.RETURNED})
_FILES_AT_ONCE = 64
_EVENT = "event#"
_EVERYTHING = ""


class Promise(StrEnum):
    """What is promised of stored state."""

    EVENTS_COMPLETE = "Every event that a record counts is there, and no other."
    SEALED_CONTRACT_ARCHIVED = "The contract of a sealed discount is archived, and is the sealed one."
    PAID_ONCE = "A paid discount has one payment that succeeded, of its proceeds."
    UNPAID_GIVEN_BACK = "A discount that was not paid holds no range of its bill, and every other one does."
    LIMITS_ADD_UP = "What is taken of the limits is what the discounts' entries add up to."
    LOGGED_ONCE = "No two events claim one entry of the evidence log."
    LOGGED_AS_IS = "An event that counts as logged is the entry that the log has in its place."
    LOG_IS_ONE_TREE = "The log's files are one tree under its signed head."
    LOOKED_AFTER = "Whatever is not at rest is found by the sweeper."


@dataclass(frozen=True)
class Broken:
    """A promise that does not hold, of what, and how so."""

    promise: Promise
    subject: str
    told: str


@dataclass
class Findings:
    """What a check has seen, and what it found broken."""

    records: int = 0
    discounts: int = 0
    events: int = 0
    leaves: int = 0
    broken: list[Broken] = field(default_factory=list)

    def add(self, promise: Promise, subject: str, told: str) -> None:
        """Something does not hold."""
        self.broken.append(Broken(promise, subject, told))


@dataclass
class _Across:
    """What only all records together tell."""

    taken: dict[str, str] = field(default_factory=dict)
    """By discount, the package of the range that is taken for it."""
    holding: set[str] = field(default_factory=set)
    """Discounts that must hold a range."""
    claims: dict[int, tuple[str, bytes]] = field(default_factory=dict)
    """By its place in the log, whose event claims an entry, and the leaf data."""


def check(context: Context, archived: Callable[[str], str | None]) -> Findings:
    """Hold the stored state to every promise; ``archived`` answers the SHA-256 of what the archive has under a key.

    It reads every record twice and the whole log once, and keeps some hundred bytes for each event in memory.
    """
    findings, across = Findings(), _Across()
    for partition in partitions(context.store):
        _records(findings, across, partition, archived)
    _ranges(findings, across)
    _limits(findings, context)
    _log(findings, across, context)
    return findings


def partitions(store: Store) -> Iterator[list[Item]]:
    """All documents of each business partition, the partitions in no order."""
    after: Key | None = None
    whole = None
    while True:
        page, after = store.scan_page(_EVERYTHING, after=after)
        groups = [(pk, list(records)) for pk, records in groupby(page, key=lambda item: item.pk)]
        for number, (pk, records) in enumerate(groups, start=1):
            if pk == whole:
                continue
            if number == len(groups) and after is not None:
                # The page may end in the midst of it.
                records, whole = store.query(pk, _EVERYTHING), pk
            yield records
        if after is None:
            return


def _records(
    findings: Findings, across: _Across, partition: Sequence[Item], archived: Callable[[str], str | None]
) -> None:
    findings.records += len(partition)
    pk = partition[0].pk
    state = next((item for item in partition if item.sk == STATE), None)
    if pk.startswith("package#") and state is not None:
        across.taken |= {owner: pk for owner, _ in state.body["ranges"].values()}
    if state is None or "events" not in state.body:
        return
    events = [item for item in partition if item.sk.startswith(_EVENT)]
    findings.events += len(events)
    if [item.body["event"]["n"] for item in events] != list(range(1, int(state.body["events"]) + 1)):
        findings.add(Promise.EVENTS_COMPLETE, pk, f"{len(events)} of {state.body['events']}")
    for item, index in zip(events, logged_indices(state.body), strict=False):
        if index in across.claims:
            findings.add(Promise.LOGGED_ONCE, pk, f"entry {index} is also {across.claims[index][0]}'s")
        across.claims[index] = (pk, leaf_of(item.body))
    if not at_rest(state.body) and state.due is None and "held" not in state.body:
        findings.add(Promise.LOOKED_AFTER, pk, str(state.body.get("status")))
    if pk.startswith("discount#"):
        findings.discounts += 1
        _discount(findings, across, state, {item.sk: item.body for item in partition}, archived)


def _discount(
    findings: Findings,
    across: _Across,
    state: Item,
    records: dict[str, Document],
    archived: Callable[[str], str | None],
) -> None:
    discount_id, status = str(state.body["discount_id"]), DiscountStatus(state.body["status"])
    if status not in UNPAID_ENDS:
        across.holding.add(discount_id)
    if status in _SEALED:
        sealed = str(state.body.get("contract_sha256"))
        if archived(contract_key(discount_id, sealed)) != sealed:
            findings.add(Promise.SEALED_CONTRACT_ARCHIVED, state.pk, contract_key(discount_id, sealed))
    if status is DiscountStatus.DISBURSED:
        payments = [body for sk, body in records.items() if sk.startswith("payment#")]
        good = [body for body in payments if body["status"] == PaymentStatus.SUCCEEDED]
        paid = records.get(payment_sk(series_of(state)), {})
        if len(good) != 1 or paid.get("amount_fen") != state.body["proceeds_fen"]:
            findings.add(Promise.PAID_ONCE, state.pk, f"{len(good)} succeeded")


def _ranges(findings: Findings, across: _Across) -> None:
    for discount_id in sorted(across.taken.keys() ^ across.holding):
        told = across.taken.get(discount_id, "it holds none")
        findings.add(Promise.UNPAID_GIVEN_BACK, f"discount#{discount_id}", told)


def _limits(findings: Findings, context: Context) -> None:
    report = exposure_ledger.check(context, quiet_s=0)
    for difference in report["differences"]:
        told = f"{difference['posted_fen']} fen posted, {difference['found_fen']} fen {difference['against']}"
        findings.add(Promise.LIMITS_ADD_UP, str(difference["account"]), told)
    for fault in report["faults"]:
        findings.add(Promise.LIMITS_ADD_UP, str(fault["subject"]), str(fault["what"]))


def _log(findings: Findings, across: _Across, context: Context) -> None:
    head = head_of(context)
    if head is None:
        for index, (pk, _) in sorted(across.claims.items()):
            findings.add(Promise.LOGGED_AS_IS, pk, f"there is no log, and no entry {index}")
        return
    try:
        found = open_checkpoint(str(head.body["note"]), log_key(context))
        findings.leaves = found.size
        entries = _entries(context, found.size, found.root)
        for first, bundle in entries:
            _compare(findings, across, first, bundle)
    except (CheckpointError, TileError) as error:
        findings.add(Promise.LOG_IS_ONE_TREE, context.log_origin, str(error))
    for index, (pk, _) in sorted(across.claims.items()):
        findings.add(Promise.LOGGED_AS_IS, pk, f"entry {index} was not reached")


def _compare(findings: Findings, across: _Across, first: int, bundle: Sequence[bytes]) -> None:
    for index, entry in enumerate(bundle, start=first):
        claim = across.claims.pop(index, None)
        if claim is not None and claim[1] != entry:
            findings.add(Promise.LOGGED_AS_IS, claim[0], f"entry {index} is another")


def _entries(context: Context, size: int, root: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Every bundle's entries with the first one's index, once its file is found to be the tree's. Raises TileError."""

    def read(tile: Tile) -> bytes | None:
        return context.files.get_all([tile.path()])[0]

    log, files = LogCheck(size, root, read), list(new_files(0, size))
    for at in range(0, len(files), _FILES_AT_ONCE):
        some = files[at : at + _FILES_AT_ONCE]
        contents: list[Any] = context.files.get_all([tile.path() for tile in some])
        for tile, content in zip(some, contents, strict=True):
            if content is None:
                raise TileError(f"{tile.path()} is missing.")
            log.check(tile, content)
            if tile.level is None:
                yield tile.index * WIDTH, split_bundle(tile, content)
