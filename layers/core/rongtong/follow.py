"""Follow what happens, as a supervisor: ``python -m rongtong.follow --url URL --key-id ID --key FILE --cursor FILE``.

Prints every public event of every partner in the order of the evidence log, goes on from the cursor file after a break,
and finds each leaf in the published log before it is printed, under the policy that was pinned (``--policy``). With
``--receipts`` what was told of a discount is also found, word for word, in its receipt once it has ended. It asks every
few seconds; with ``--feed`` the WebSocket's hints say when.

Exit codes: 0 everything there is was told (``--once``), or it was interrupted; 1 what was told is not what the log
holds; 2 a file or an option cannot be used; 3 the platform refused or did not answer, the cursor keeps the place.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rongtong.adapters.feed_socket import FeedClosedError, FeedSocket
from rongtong.adapters.http import UnansweredError
from rongtong.adapters.signed_api import RefusedError as AnsweredError
from rongtong.adapters.signed_api import SignedApi, load_key
from rongtong.domain.checkpoint import Checkpoint
from rongtong.feed_check import FeedCheck, Page, Told
from rongtong.log_files import LogUnreadableError, open_log
from rongtong.verify import POLICY_VARIABLE, RefusedError, pinned_policy, tell

_LIMIT = 100
_EVERY_S = 10.0
_AT_MOST_S = 60.0
"""So long a hint is waited for; then it is asked anyway, as hints may be lost."""
_ENDS = ("discount.paid.", "discount.refused.", "discount.failed.")
_RECEIPT_TRIES = 5


class CursorError(ValueError):
    """The cursor file is none."""


@dataclass
class _Cursor:
    """Up to where the feed was told, and the checkpoint that was trusted then."""

    file: Path
    after: int = -1
    head: Checkpoint | None = None

    @classmethod
    def load(cls, file: Path, after: int) -> _Cursor:
        """From its file; without one, behind leaf ``after``. Raises CursorError, OSError."""
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls(file, after)
        except ValueError as error:
            raise CursorError(f"{file} is no cursor; name another file.") from error
        try:
            head = Checkpoint(str(found["origin"]), int(found["size"]), bytes.fromhex(found["root"]))
            return cls(file, int(found["after"]), head)
        except (KeyError, TypeError, ValueError) as error:
            raise CursorError(f"{file} is no cursor; name another file.") from error

    def move(self, after: int, head: Checkpoint) -> None:
        """Keep the place; a program that dies in between tells the last page again, and leaves nothing out."""
        self.after, self.head = after, head
        about = {"after": after, "origin": head.origin, "size": head.size, "root": head.root.hex()}
        new = self.file.with_name(self.file.name + ".new")
        new.write_text(json.dumps(about) + "\n", encoding="utf-8")
        new.replace(self.file)


def main(arguments: Sequence[str] | None = None, *, pause: Callable[[float], None] = time.sleep) -> int:
    """Follow; the exit codes are those of this module. ``pause`` waits so many seconds."""
    options = _parser().parse_args(arguments)
    try:
        key = load_key(Path(options.key).read_bytes())
        policy, where = pinned_policy(options.policy)
        cursor = _Cursor.load(options.cursor, options.after)
        socket = FeedSocket(options.feed, options.key_id, key) if options.feed else None
    except RefusedError as error:
        tell(f"REFUSED {error.code}: {error}")
        return 2
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    api = SignedApi(options.url, options.key_id, key, pause=pause)
    check = FeedCheck(open_log(options.log or options.url.rstrip("/") + "/v1/log"), policy, pause, options.receipts)
    check.head = cursor.head or check.head
    follower = _Follower(api, check, cursor, as_json=options.json, receipts=options.receipts)
    try:
        follower.follow(socket, pause, every=options.every, once=options.once)
    except RefusedError as error:
        tell(f"REFUSED {error.code}: {error}")
        return 1
    except (AnsweredError, UnansweredError, LogUnreadableError) as error:
        print(error, file=sys.stderr)
        return 3
    except OSError as error:
        print(f"The cursor cannot be kept: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        pass
    finally:
        if socket is not None:
            socket.close()
    found = follower.count
    if not options.json:
        tell(f"OK {found} events up to leaf {cursor.after}, each found in the log; trusted by {where}")
    return 1 if follower.missing else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rongtong.follow", description="Follow what happens.")
    parser.add_argument("--url", required=True, help="the API's base URL")
    parser.add_argument("--key-id", required=True, help="like sample-supervisor#1; its role is supervisor")
    parser.add_argument("--key", required=True, metavar="FILE", help="its Ed25519 private key (PEM)")
    parser.add_argument("--cursor", required=True, type=Path, metavar="FILE", help="keeps the place; made if not there")
    parser.add_argument("--policy", type=Path, help=f"whom you trust (default: the file that {POLICY_VARIABLE} names)")
    parser.add_argument("--log", help="the published log, if it is not below the API's URL; a mirror's folder will do")
    parser.add_argument("--feed", metavar="WSS", help="the feed's WebSocket URL: ask when it hints, not by the clock")
    parser.add_argument("--after", type=int, default=-1, metavar="LEAF", help="without a cursor: begin behind it")
    parser.add_argument("--every", type=float, default=_EVERY_S, metavar="S", help=f"ask so often ({_EVERY_S:.0f})")
    parser.add_argument("--once", action="store_true", help="end when everything that there is was told")
    parser.add_argument("--receipts", action="store_true", help="compare what was told with receipts too")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each event")
    return parser


class _Follower:
    """Reads, checks, prints, and only then moves the cursor."""

    def __init__(self, api: SignedApi, check: FeedCheck, cursor: _Cursor, *, as_json: bool, receipts: bool) -> None:
        self._api, self._check, self._cursor = api, check, cursor
        self._as_json, self._receipts = as_json, receipts
        self._ended: dict[str, int] = {}
        """Discounts whose receipt is still to be read, and how often it was tried."""
        self.count = 0
        self.missing = 0
        """Leaves whose event the platform could not show."""

    def follow(self, socket: FeedSocket | None, pause: Callable[[float], None], *, every: float, once: bool) -> None:
        """Until interrupted; once: until there is nothing more. Raises RefusedError and what is not answered raises."""
        socket = None if once else socket
        while True:
            # Connected first: what happens while it catches up is hinted at.
            is_connected = socket is not None and _connected(socket, every)
            self._catch_up()
            if once and not self._ended:
                return
            if socket is None or not is_connected:
                pause(every)
                continue
            try:
                socket.wait(_AT_MOST_S)
            except FeedClosedError as error:
                _say_closed(error, every)
                pause(every)

    def _catch_up(self) -> None:
        more = True
        while more:
            after = self._cursor.after
            behind = f"&after={after}" if after >= 0 else ""
            page = Page.read(self._api.get(f"/v1/supervision/events?limit={_LIMIT}{behind}"), after)
            if page.after > after:
                self._check.check(page)
                self._tell(page)
                self._cursor.move(page.after, self._check.head)
            more = page.more
        for discount_id in list(self._ended):
            self._prove(discount_id)

    def _tell(self, page: Page) -> None:
        for one in page.told:
            self._print(one)
            self.count += 1
            self.missing += one.event is None
            if self._receipts and one.event is not None and any(end in str(one.event.get("type")) for end in _ENDS):
                self._ended.setdefault(str(one.event.get("subject")), 0)
        if page.told and not self._as_json and self._check.trusted is not None:
            names = ", ".join(one.witness.name for one in self._check.trusted.cosignatures)
            span = f"{page.told[0].index} to {page.told[-1].index}"
            tell(f"  leaves {span} stand in the log of {self._check.head.size}, cosigned by {names or 'nobody'}")
        sys.stdout.flush()

    def _print(self, one: Told) -> None:
        if self._as_json:
            print(json.dumps({"index": one.index, "leaf_hash": one.leaf_hash, "event": one.event}))
        elif one.event is None:
            tell(f"{one.index}  MISSING: the platform cannot show what it logged here; its audit must say why")
        else:
            data: dict[str, Any] = one.event.get("data") or {}
            told = "  ".join(f"{name}={value}" for name, value in data.items() if name != "discount_id")
            kind = str(one.event.get("type")).removeprefix("com.rongtong.")
            tell(f"{one.index}  {one.event.get('time')}  {kind}  {one.event.get('subject')}  {told}")

    def _prove(self, discount_id: str) -> None:
        """Find what was told in the receipt, which may come a moment after the end."""
        try:
            document = self._api.get(f"/v1/supervision/discounts/{discount_id}/receipt")
        except AnsweredError as error:
            self._ended[discount_id] += 1
            if error.code != "WRONG_STATE" or self._ended[discount_id] >= _RECEIPT_TRIES:
                raise
            return
        found = self._check.check_receipt(discount_id, document)
        del self._ended[discount_id]
        if not self._as_json:
            tell(f"  {discount_id}: {found} events as they stand in its receipt")


def _connected(socket: FeedSocket, every: float) -> bool:
    """Whether hints come; without them it is asked by the clock."""
    try:
        socket.connect()
    except FeedClosedError as error:
        _say_closed(error, every)
        return False
    return True


def _say_closed(error: FeedClosedError, every: float) -> None:
    print(f"feed: {error}; asking every {every:.0f} s until it is back", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
