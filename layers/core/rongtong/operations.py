"""What operations do by hand: ``python -m rongtong.operations replay --failed-since 2h --why CODE …``.

Everything goes through the signed API, which records who, when and why. Stopping it and starting it again is safe.
"""

from __future__ import annotations

import argparse
import sys
import threading
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rongtong import operations_audit_pack, operations_duties, operations_jobs, operations_watch
from rongtong.adapters.http import UnansweredError
from rongtong.adapters.signed_api import RefusedError, SignedApi, load_key
from rongtong.operations_output import table

_DONE = ("started", "redriven", "running", "nothing")
_WORDS = {"nothing": "nothing to do", "running": "ran already"}
_PARALLEL_MAX = 32
_INTERRUPTED = threading.Event()
_COLUMNS = ("discount_id", "discount_status", "execution", "running", "error", "since", "what_next")


@dataclass
class _Report:
    """What became of each discount that was named."""

    done: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def main(arguments: Sequence[str] | None = None, *, pause: Callable[[float], object] = _INTERRUPTED.wait) -> int:
    """0 when everything named was replayed, delivered, or nothing was to do; 1 otherwise, with what was not.

    ``pause`` waits so many seconds before a request is sent again. ``restore`` and ``rollback`` have their own.
    """
    given = sys.argv[1:] if arguments is None else arguments
    if given and given[0] == "rollback":
        from rongtong import rollback

        return rollback.main(given[1:])
    if given and given[0] == "restore":
        # It needs the operator's AWS credentials and what speaks to AWS, the others neither.
        from rongtong import restore

        return restore.main(given[1:])

    def wait(seconds: float) -> None:
        pause(seconds)
        if _INTERRUPTED.is_set():
            raise UnansweredError("interrupted while waiting for an answer")

    options = _parser(wait).parse_args(arguments)
    try:
        key = load_key(Path(options.key).read_bytes())
    except (OSError, ValueError) as error:
        print(f"{options.key}: {error}", file=sys.stderr)
        return 2
    _INTERRUPTED.clear()
    api = SignedApi(options.url, options.key_id, key, at_once=getattr(options, "parallel", 1), pause=wait)
    command: Callable[[SignedApi, argparse.Namespace], int] = options.command
    try:
        return command(api, options)
    except (RefusedError, UnansweredError) as error:
        print(error, file=sys.stderr)
        return 1


def _parser(wait: Callable[[float], object]) -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--url", required=True, help="the API's base URL")
    common.add_argument("--key-id", required=True, help="like operations#1; its role is operations")
    common.add_argument("--key", required=True, metavar="FILE", help="its Ed25519 private key (PEM)")
    parser = argparse.ArgumentParser(prog="python -m rongtong.operations", description="What operations do by hand.")
    commands = parser.add_subparsers(required=True)
    replay = commands.add_parser("replay", parents=[common], help="carry on discounts whose execution failed")
    replay.add_argument("ids", nargs="*", metavar="ID", help="a discount's id or an execution's name")
    replay.add_argument("--failed-since", metavar="SPAN", help="all that failed in so long, like 30m, 2h or 1d")
    replay.add_argument("--why", metavar="CODE", help="like REGISTRY_MENDED; an event of each discount says so")
    replay.add_argument("--dry-run", action="store_true", help="change nothing, say what would be replayed")
    replay.add_argument("--parallel", type=_parallel, default=8, metavar="N", help="so many at once (8)")
    replay.set_defaults(command=_replay)
    stuck = commands.add_parser("stuck", parents=[common], help="list what does not come to its end; 1 if there is any")
    stuck.add_argument("--longer-than", default="30m", metavar="SPAN", help="30m if not said")
    stuck.set_defaults(command=_stuck)
    letters = commands.add_parser("dead-letters", parents=[common], help="list what asynchronous paths gave up")
    letters.add_argument("--redeliver", action="store_true", help="deliver each again, under its own id")
    letters.add_argument("--path", help="of this path alone")
    letters.add_argument("--why", metavar="CODE", help="like FUNCTION_MENDED; the log says so")
    letters.set_defaults(command=_dead_letters)
    operations_jobs.add(commands, common, wait)
    operations_watch.add(commands, common)
    operations_duties.add(commands, common)
    operations_audit_pack.add(commands, common)
    return parser


def _parallel(text: str) -> int:
    number = int(text)
    if not 1 <= number <= _PARALLEL_MAX:
        raise argparse.ArgumentTypeError(f"from 1 to {_PARALLEL_MAX}")
    return number


def _replay(api: SignedApi, options: argparse.Namespace) -> int:
    if not options.ids and not options.failed_since:
        print("Name discounts, or --failed-since.", file=sys.stderr)
        return 2
    if not options.dry_run and not options.why:
        print("Say --why, a code such as REGISTRY_MENDED.", file=sys.stderr)
        return 2
    listed = _failed(api, options.failed_since)
    if options.dry_run:
        rows = [*({"discount_id": one} for one in options.ids), *listed["executions"]]
        table(rows, _COLUMNS[:-1])
        print(f"{len(rows)}{' or more' if listed['more'] else ''} would be replayed; nothing was changed.")
        return 0
    report = _Report()
    targets = [*options.ids, *_ids(listed)]
    while targets and _replay_all(api, options, list(dict.fromkeys(targets)), report):
        # The platform lists so many at a time.
        listed = _failed(api, options.failed_since if listed["more"] else None)
        targets = [one for one in _ids(listed) if one not in report.done and one not in report.failed]
    if listed["more"]:
        print("More have failed than are listed; run it again.")
    return max(_summary(report), int(listed["more"]))


def _failed(api: SignedApi, since: str | None) -> dict[str, Any]:
    if not since:
        return {"executions": [], "more": False}
    return api.get(f"/v1/operations/executions?status=failed&since={quote(since, safe='')}")


def _ids(listed: dict[str, Any]) -> list[str]:
    return [str(one["discount_id"]) for one in listed["executions"]]


def _replay_all(api: SignedApi, options: argparse.Namespace, targets: list[str], report: _Report) -> bool:
    """False when it was interrupted; then what was not asked for is told as failed."""
    progress = _Progress(len(targets))
    pool = ThreadPoolExecutor(options.parallel)
    asked = {pool.submit(_replay_one, api, one, options.why): one for one in targets}
    try:
        for future in as_completed(asked):
            _note(report, asked[future], future)
            progress.step(asked[future], report)
    except KeyboardInterrupt:
        _INTERRUPTED.set()
        pool.shutdown(wait=True, cancel_futures=True)
        for future, one in asked.items():
            if future.cancelled():
                report.failed[one] = "not asked for: interrupted"
            elif one not in report.done and one not in report.failed:
                _note(report, one, future)
        return False
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        progress.end()
    return True


def _replay_one(api: SignedApi, named: str, why: str) -> str:
    path = f"/v1/operations/executions/{quote(named, safe='')}/replay"
    return str(api.post(path, {"why": why}, str(uuid.uuid4()))["replay"])


def _note(report: _Report, named: str, future: Future[str]) -> None:
    try:
        report.done[named] = future.result()
    except (RefusedError, UnansweredError) as error:
        report.failed[named] = str(error)


class _Progress:
    """One line that is written over on a terminal; elsewhere a line for each."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._at = 0
        self._live = sys.stdout.isatty()

    def step(self, named: str, report: _Report) -> None:
        """Say that one more is answered."""
        self._at += 1
        if self._live:
            print(f"\r  {self._at} of {self._total}, {len(report.failed)} not replayed", end="", flush=True)
            return
        became = report.failed.get(named) or _WORDS.get(report.done[named], report.done[named])
        print(f"  {self._at} of {self._total}  {named}  {became}", flush=True)

    def end(self) -> None:
        """Leave the line."""
        if self._live:
            print()


def _summary(report: _Report) -> int:
    counted = {word: list(report.done.values()).count(word) for word in _DONE}
    rows = [(_WORDS.get(word, word), number) for word, number in counted.items() if number]
    for word, number in [*rows, *([("not replayed", len(report.failed))] if report.failed else [])]:
        print(f"{word:<14}{number:>6}")
    if not report.done and not report.failed:
        print("Nothing to replay.")
    for named, error in report.failed.items():
        print(f"  {named}  {error}")
    return 1 if report.failed else 0


def _stuck(api: SignedApi, options: argparse.Namespace) -> int:
    found = api.get(f"/v1/operations/executions?status=stuck&since={quote(options.longer_than, safe='')}")
    table(found["executions"], _COLUMNS)
    count = len(found["executions"])
    print(f"{count}{' or more' if found['more'] else ''} stuck for longer than {options.longer_than}.")
    return 1 if count else 0


def _dead_letters(api: SignedApi, options: argparse.Namespace) -> int:
    if options.redeliver and not options.why:
        print("Say --why, a code such as FUNCTION_MENDED.", file=sys.stderr)
        return 2
    found = [one for one in api.get("/v1/operations/dead-letters")["paths"] if options.path in (None, one["path"])]
    if options.path and not found:
        print(f"There is no path {options.path}.", file=sys.stderr)
        return 2
    if options.redeliver:
        return max([_redeliver(api, one, options.why) for one in found], default=0)
    for path in found:
        print(f"{path['path']}: {path['waiting']} waiting")
        table(path["letters"], ("at", "key", "error"))
    return 0


def _redeliver(api: SignedApi, path: dict[str, Any], why: str) -> int:
    """As many as waited when it began: what fails again is left for a person to look at."""
    left, kept, done = int(path["waiting"]), 0, 0
    while left > 0 and not kept:
        url = f"/v1/operations/dead-letters/{quote(path['path'], safe='')}/redelivery"
        answer = api.post(url, {"why": why}, str(uuid.uuid4()))
        kept, taken = int(answer["kept"]), len(answer["redelivered"])
        left, done = left - taken, done + taken
        if not taken:
            break
    print(f"{path['path']}: {done} delivered again{f', {kept} could not be' if kept else ''}")
    return 1 if kept else 0


if __name__ == "__main__":
    sys.exit(main())
