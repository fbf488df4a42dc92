"""Back to what ran before: ``python -m rongtong.operations rollback --stack NAME --to-before INSTANT``.

Callers reach the functions between a request and its money by the alias ``live``; a version stays as it was published.
The alias of each is put on the newest version that was published before the instant, and no share of calls goes
elsewhere. It works with the operator's own AWS credentials (lambda:UpdateAlias); CloudTrail keeps who did it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime

from rongtong.adapters.stack import AliasVersion, Stack, StackError
from rongtong.operations_output import table

_COLUMNS = ("function", "runs", "then", "published")


def main(arguments: Sequence[str]) -> int:
    """0 when every alias stands where it is to be, 1 and why where one cannot: then none is moved."""
    options = _parser().parse_args(arguments)
    stack = Stack(options.stack)
    try:
        aliases = stack.aliases()
        targets = {one.function: stack.published_before(one.function, options.to_before) for one in aliases}
    except StackError as error:
        print(f"REFUSED STACK: {error}", file=sys.stderr)
        return 1
    moved = [one for one in aliases if one.version != targets[one.function].version or one.shared]
    table([_row(one, targets[one.function]) for one in aliases], _COLUMNS)
    if options.dry_run:
        print(f"{len(moved)} of {len(aliases)} aliases would be moved; nothing was changed.")
        return 0
    for one in moved:
        stack.point(one.function, targets[one.function].version)
    print(f"{len(moved)} of {len(aliases)} aliases moved; the next deployment moves them on.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m rongtong.operations rollback", description="Back to what ran before."
    )
    parser.add_argument("--stack", required=True, help="the platform's stack, like rongtong")
    parser.add_argument(
        "--to-before", required=True, type=_instant, metavar="INSTANT", help="like 2026-04-15T02:00:00Z"
    )
    parser.add_argument("--dry-run", action="store_true", help="change nothing, say what would be moved")
    return parser


def _row(now: AliasVersion, then: AliasVersion) -> dict[str, str]:
    share = " and another" if now.shared else ""
    return {
        "function": now.function,
        "runs": f"{now.version}{share}",
        "then": then.version,
        "published": then.published_at.isoformat(timespec="seconds"),
    }


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise argparse.ArgumentTypeError("an instant with its offset, like 2026-04-15T02:00:00Z")
    return instant
