"""A Fabric network as a chain: an entry is one transaction that puts one key."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal, Self

from rongtong.adapters.fabric.classic import ClassicFlow
from rongtong.adapters.fabric.connections import open_connections
from rongtong.adapters.fabric.flow import Flow, Watch
from rongtong.adapters.fabric.gateway import GatewayFlow
from rongtong.adapters.fabric.identity import check_dates, load_identity
from rongtong.adapters.fabric.ledger import Ledger
from rongtong.adapters.fabric.outcomes import (
    DUPLICATE_TXID,
    KEY_NOT_FOUND,
    MVCC_READ_CONFLICT,
    ChainKeyError,
    Committed,
    ContractRefusedError,
    NotEndorsedError,
    Outcome,
)
from rongtong.adapters.fabric.peers import Peers
from rongtong.adapters.fabric.profile import Profile
from rongtong.adapters.fabric.proposal import Call, nonce_of
from rongtong.domain.errors import RongTongError
from rongtong.services.ports import (
    ChainConflictError,
    ChainEntry,
    ChainReceipt,
    ChainRefusedError,
    ChainUnavailableError,
)

_KEY = re.compile(r"[0-9a-f]{64}")
_PARALLEL = 32
"""Entries under way at once; each waits for its block, so they share one."""
_PAUSES_S = (0.5, 1.5)
"""Before peers that disagree are asked again."""
_TRANSACTIONS_MAX = 8
"""Of one entry in one append, each after the last was committed without effect."""


class FabricChain:
    """See services.ports.Chain. Safe to share between threads; close it, or use it in a ``with``.

    A repeat of ``append`` never puts an entry twice. Its transaction ids are made from the entry (proposal.py), so
    however an earlier call ended, in this process or another, the same transaction is sent: the network takes it once,
    the contract takes its key once, and Fabric lets only one of two that put the same key count
    (MVCC_READ_CONFLICT). Where the key was put by other means (another member, a renewed certificate) the receipt's
    transaction is named by the contract's history, or found by reading the peers' blocks back from the newest. Without
    a crash nothing of this is asked: an append is one proposal to each organisation and one envelope.

    Endorsements and values come from as many organisations as endorse a transaction; of commits one peer tells, the
    member's own if it answers.
    """

    def __init__(self, flow: Flow, ledger: Ledger, peers: Peers, pause: Callable[[float], object] = time.sleep) -> None:
        self.profile = peers.profile
        self.peers = peers
        self.ledger = ledger
        self._flow = flow
        self._pause = pause

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self.peers.connections.close()

    def append(self, entries: Sequence[ChainEntry]) -> list[ChainReceipt]:
        """One receipt per entry, in order. Other entries are carried on where one fails.

        Raises ChainUnavailableError as long as it is unknown of any whether it is there, then the first other error.
        """
        outcomes = list(self.outcomes(entries))
        errors = [outcome.error for outcome in outcomes if outcome.error is not None]
        unknown = [error for error in errors if isinstance(error, ChainUnavailableError)]
        if errors:
            raise (unknown or errors)[0]
        return [outcome.receipt for outcome in outcomes if outcome.receipt is not None]

    def outcomes(self, entries: Sequence[ChainEntry]) -> Iterator[Outcome]:
        """What became of each entry, in order, as it becomes known; no entry's failure stops another.

        Raises ChainKeyError and ChainConflictError before anything is sent, for a key that is none or stands twice
        with two values; ChainUnavailableError and ChainRefusedError when nobody would tell of the commits.
        """
        for entry in entries:
            check_key(entry.key)
        values: dict[str, str] = {}
        for entry in entries:
            if values.setdefault(entry.key, entry.value) != entry.value:
                raise ChainConflictError(f"{entry.key} is given twice, with two values.", field=entry.key)
        return self._outcomes(entries, list(dict.fromkeys(entries)))

    def _outcomes(self, entries: Sequence[ChainEntry], unique: Sequence[ChainEntry]) -> Iterator[Outcome]:
        if not unique:
            return
        self._check_certificates()
        with self._flow.watch() as watch, ThreadPoolExecutor(min(_PARALLEL, len(unique))) as pool:
            pending = {entry: pool.submit(self._outcome, entry, watch) for entry in unique}
            try:
                for entry in entries:
                    yield pending[entry].result()
            finally:
                for future in pending.values():
                    future.cancel()

    def get(self, key: str) -> str | None:
        """The value under the key, as enough organisations tell it alike. Raises also ChainKeyError."""
        check_key(key)
        self._check_certificates()
        try:
            answer = self._flow.query(self.profile.chaincode, ("get", key))
        except ContractRefusedError as error:
            if error.contract_code == KEY_NOT_FOUND:
                return None
            raise
        return answer.decode("utf-8", "replace") if answer else None

    def _check_certificates(self) -> None:
        """Raises ChainRefusedError."""
        now, identity, shown = self.peers.now(), self.peers.identity, self.peers.connections.certificate
        check_dates(identity.certificate, f"certificate of {identity.msp_id}", now)
        if shown is not None:
            check_dates(shown, "certificate for TLS", now)

    def _outcome(self, entry: ChainEntry, watch: Watch) -> Outcome:
        try:
            return self._put(entry, watch)
        except RongTongError as error:
            return Outcome(entry, error=error)

    def _put(self, entry: ChainEntry, watch: Watch) -> Outcome:
        attempt, pauses = 0, iter(_PAUSES_S)
        for _ in range(_TRANSACTIONS_MAX):
            call = self._call(entry, attempt)
            try:
                envelope = self._flow.endorse(call)
            except NotEndorsedError as refusal:
                found = self._earlier(entry, attempt)
                if isinstance(found, Outcome):
                    return found
                if found is not None:
                    attempt = found
                elif refusal.disagreement and (pause_s := next(pauses, None)) is not None:
                    # One may be a block behind the others.
                    self._pause(pause_s)
                else:
                    raise
                continue
            committed, repeated = self._commit(call, envelope, watch)
            if committed.valid:
                return Outcome(entry, _receipt(entry, committed), already=repeated)
            if committed.code != MVCC_READ_CONFLICT:
                raise ChainRefusedError(
                    f"The network recorded {entry.key} without effect: {committed.code} "
                    f"(transaction {committed.transaction_id}, block {committed.block}).",
                    field=entry.key,
                )
            present = self._present(entry)
            if present is not None:
                return present
            attempt += 1
        raise ChainUnavailableError(
            f"{entry.key}: other transactions came first {_TRANSACTIONS_MAX} times; append it again.", field=entry.key
        )

    def _call(self, entry: ChainEntry, attempt: int) -> Call:
        nonce = nonce_of(self.profile.channel, self.profile.chaincode, entry.key, entry.value, attempt)
        return self.peers.call(self.profile.chaincode, ("put", entry.key, entry.value), nonce)

    def _commit(self, call: Call, envelope: Any, watch: Watch) -> tuple[Committed, bool]:
        """Order it and wait; and whether an earlier copy of it was the one that was committed."""
        watch.check()
        self._flow.order(call, envelope, lambda: self._known(call, watch) is not None)
        committed = watch.wait(call.transaction_id, self.profile.timeouts.commit_s)
        if committed is None or committed.code == DUPLICATE_TXID:
            repeated = committed is not None
            committed = self.ledger.find_transaction(call.transaction_id)
            if committed is None:
                raise ChainUnavailableError(
                    f"{call.arguments[1]}: not committed within {self.profile.timeouts.commit_s:g} s; append it again.",
                    field=call.arguments[1],
                )
            return committed, repeated
        return committed, False

    def _known(self, call: Call, watch: Watch) -> Committed | None:
        with suppress(ChainUnavailableError):
            return watch.wait(call.transaction_id, 0.0) or self.ledger.find_transaction(call.transaction_id)
        return None

    def _earlier(self, entry: ChainEntry, attempt: int) -> Outcome | int | None:
        """Why peers refuse: the entry is there already, or this transaction was sent before without effect.

        The outcome, or the number of the next attempt, or None when it is neither.
        """
        last = self._last_attempt(entry, attempt)
        if last is not None and last[1].valid:
            return Outcome(entry, _receipt(entry, last[1]), already=True)
        present = self._present(entry)
        if present is not None:
            return present
        return None if last is None else last[0] + 1

    def _last_attempt(self, entry: ChainEntry, first: int) -> tuple[int, Committed] | None:
        """The last of the entry's own transactions in a block. They follow each other without a gap.

        So it is looked for in doubling steps, then between the last two of them.
        """
        found: tuple[int, Committed] | None = None
        step, limit = 1, None
        at = first
        while limit is None or at < limit:
            committed = self.ledger.find_transaction(self._call(entry, at).transaction_id)
            if committed is None:
                limit = at
            else:
                found = (at, committed)
                if committed.valid:
                    return found
            low = found[0] if found else first
            if limit is None:
                at = low + step
                step *= 2
            else:
                at = low + max(1, (limit - low) // 2)
        return found

    def _present(self, entry: ChainEntry) -> Outcome | None:
        """The entry as it stands on the chain whoever put it; None if the contract tells no value.

        Raises ChainConflictError for another value, ChainUnavailableError.
        """
        try:
            value = self.get(entry.key)
        except ChainRefusedError:
            return None
        if value is None:
            return None
        if value != entry.value:
            raise ChainConflictError(f"Another value is on the chain under {entry.key}.", field=entry.key)
        try:
            committed = self._find_put(entry)
        except (ChainUnavailableError, ChainRefusedError) as error:
            return Outcome(entry, already=True, error=_without_transaction(entry, error.message))
        if committed is None:
            return Outcome(entry, already=True, error=_without_transaction(entry, "it is in no block"))
        return Outcome(entry, _receipt(entry, committed), already=True)

    def _find_put(self, entry: ChainEntry) -> Committed | None:
        """Whoever's transaction it was: the contract's history names it, or it is looked for in the blocks."""
        contract = self.profile.chaincode
        with suppress(ChainRefusedError, ValueError, TypeError, KeyError):
            for change in json.loads(self._flow.query(contract, ("history", entry.key))):
                committed = self.ledger.find_transaction(str(change["tx_id"]), putting=entry)
                if committed is not None and committed.valid:
                    return committed
        return self.ledger.find_put(contract, entry)


def open_chain(
    profile: Profile,
    *,
    flow: Literal["classic", "gateway"] = "classic",
    endorsements: int | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    pause: Callable[[float], object] = time.sleep,
) -> FabricChain:
    """Nothing is connected before it is used. ``endorsements`` is a majority of the organisations if not said.

    Raises ChainProfileError for what cannot work.
    """
    identity = load_identity(profile.msp_id, profile.certificate, profile.key)
    peers = Peers(profile, identity, open_connections(profile), now)
    needed = endorsements or len(profile.organisations) // 2 + 1
    ledger = Ledger(peers)
    chosen: Flow = ClassicFlow(peers, ledger, needed, pause) if flow == "classic" else GatewayFlow(peers)
    return FabricChain(chosen, ledger, peers, pause)


def check_key(key: str) -> str:
    """Raises ChainKeyError for what is not 64 hexadecimal digits in lower case."""
    if not _KEY.fullmatch(key):
        raise ChainKeyError(f"{key[:80]!r} is not 64 hexadecimal digits in lower case.", field="key")
    return key


def _receipt(entry: ChainEntry, committed: Committed) -> ChainReceipt:
    return ChainReceipt(entry.key, committed.transaction_id, committed.block, committed.code)


def _without_transaction(entry: ChainEntry, why: str) -> ChainUnavailableError:
    return ChainUnavailableError(
        f"{entry.key} is on the chain, but its transaction was not found: {why}", field=entry.key
    )
