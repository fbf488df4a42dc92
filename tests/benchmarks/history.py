"""A synthetic history of the platform: discounts of a thousand companies over a year, as the real flow leaves them.

It is the same history for the same arguments. Books and evidence stand in a file of SQLite, the log's tiles in a
folder, and what the bank and the bill registry would say stands beside them. Contracts are not made; their hashes are.

    python tests/benchmarks/history.py <folder> --discounts 100000
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fakes import FixedClock, LocalSigner, make_context
from history_books import Books
from history_deals import END, Deal, companies_for, usual
from history_outside import HistoryBank, HistoryRegistry, Outside
from rongtong.adapters.log_folder import FileFiles
from rongtong.domain.tiles import Edge
from rongtong.services.context import Context
from rongtong.services.storage import Create, Document
from rongtong.services.tile_log import sign_head
from seed import PARTNERS, sample_configuration
from sqlite_store import Row, SqliteStore, row_of

ORIGIN = "rongtong.example/log"
STORE, OUTSIDE, LOG = "store.db", "outside.db", "log"
"""What a history's folder holds."""
_AT_ONCE = 2_000
_LEAVES_AT_ONCE = 20_000


@dataclass(frozen=True)
class Written:
    """What was written."""

    discounts: int
    rows: int
    leaves: int


class _Log:
    """The log's files as its writers would have left them, in big batches and without waiting for the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._edge = folder, Edge()
        self._waiting: list[bytes] = []

    def add(self, leaves: Sequence[bytes]) -> None:
        self._waiting += leaves
        if len(self._waiting) >= _LEAVES_AT_ONCE:
            self._lay()

    def head(self) -> Document:
        """The head of everything that was added."""
        self._lay()
        return {"size": self._edge.size, "note": sign_head(LocalSigner(), ORIGIN, self._edge.size, self._edge.root())}

    def _lay(self) -> None:
        if self._waiting:
            self._edge, files = self._edge.extended(self._waiting)
            for path, content in files.items():
                place = self._folder / path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)
            self._waiting = []


def write(folder: Path, deals: Sequence[Deal], companies: int, *, seed: int = 1) -> Written:
    """Write the history of these deals, which are in the order of time, into an empty folder."""
    folder.mkdir(parents=True, exist_ok=True)
    store, outside, log = SqliteStore(folder / STORE), Outside(folder / OUTSIDE), _Log(folder / LOG)
    configuration = sample_configuration()
    institutions = {body["institution_id"]: body for (pk, _), body in configuration.items() if "institution_id" in body}
    books = Books(institutions, outside, seed)
    began = min((deal.at for deal in deals), default=datetime(END.year, END.month, END.day, tzinfo=UTC))
    rows = [row_of(Create(*key, body)) for key, body in configuration.items()]
    rows += [row_of(Create(f"partner#{name}", "state", {"keys": {}, "role": role})) for name, role in PARTNERS.items()]
    count = 0
    with store.filling(), outside.filling():
        for more, leaves in _filled(books, deals, companies, began - timedelta(days=60)):
            rows += more
            log.add(leaves)
            if len(rows) > 10 * _AT_ONCE:
                count += len(rows)
                store.fill(rows)
                rows = []
        rows += [*books.sums(), row_of(Create("log", "head", log.head()))]
        count += len(rows)
        store.fill(rows)
    store.close()
    outside.close()
    return Written(len(deals), count, books.leaves)


def _filled(
    books: Books, deals: Sequence[Deal], companies: int, registered: datetime
) -> Iterator[tuple[list[Row], list[bytes]]]:
    for number in range(companies):
        yield books.enterprise(number, registered + timedelta(seconds=number))
    for number, deal in enumerate(deals):
        yield books.discount(deal, number)


def open_history(folder: Path, now: datetime, **replaced: Any) -> Context:
    """A context whose books, log, bank and bill registry are the history's; whatever else there is, is a stand-in.

    Its clock stands still at ``now``.
    """
    outside = Outside(folder / OUTSIDE)
    parts: dict[str, Any] = {
        "store": SqliteStore(folder / STORE),
        "files": FileFiles(folder / LOG),
        "banks": (HistoryBank(outside),),
        "bills": HistoryRegistry(outside),
        "clock": FixedClock(now),
        "log_origin": ORIGIN,
    }
    return make_context(**{**parts, **replaced})


def main() -> int:
    """Write a history of business as usual and say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--discounts", type=int, default=10_000)
    asked = parser.parse_args()
    began = time.perf_counter()
    companies = companies_for(asked.discounts)
    written = write(asked.folder, usual(asked.discounts, companies), companies)
    told = {**written.__dict__, "companies": companies, "seconds": round(time.perf_counter() - began, 1)}
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
