"""The evidence log's durable appends on the emulator's S3 and DynamoDB, beside what the emulator's own puts take."""

from __future__ import annotations

import itertools
import os
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from botocore.config import Config
from rich.console import Console
from rich.table import Table

from emulator import CREDENTIALS, REGION, Emulator
from fakes import make_context
from paths import BUILD, EMULATOR_PYTHON
from rongtong.adapters.clocks import SystemClock
from rongtong.adapters.dynamodb import DynamoStore
from rongtong.adapters.log_bucket import S3Files
from rongtong.services.batching import BatchingWriter
from rongtong.services.context import Context
from rongtong.services.evidence_log import _publish, append_pending, head_of
from rongtong.services.records import STATE, first_writes
from rongtong.services.tile_log import Batch, stage
from sandbox_server import create_table

CALLERS = 64
_ROUND_S = 4.0
_ROUNDS = 3
_BUCKET, _TABLE = "bench-log", "bench-puts"
_TASKS = 600
"""More discounts than the tasks' rounds get through, each with one event to log."""
Call = Callable[[], object]
Client = Callable[[str], Any]


def emulator_part(console: Console) -> dict[str, float]:
    """Rates a second with 64 callers in flight, of the log's writers and of the emulator itself."""
    emulator = Emulator.start(EMULATOR_PYTHON, BUILD / "bench" / "emulator")
    # The adapters make their clients themselves, as in a function.
    boto3.setup_default_session(
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    )
    os.environ.update(CREDENTIALS, AWS_ENDPOINT_URL=emulator.url)
    try:
        return _measure(console, lambda service: _client(emulator, service), emulator.url)
    finally:
        emulator.stop()


def rate_of(call: Callable[[], object], callers: int = CALLERS, seconds: float = _ROUND_S) -> float:
    """Completed calls a second while so many threads make one after the other."""
    ready = threading.Barrier(callers + 1)
    until = 0.0

    def work() -> int:
        ready.wait()
        done = 0
        while time.perf_counter() < until:
            call()
            done += 1
        return done

    with ThreadPoolExecutor(callers) as pool:
        workers = [pool.submit(work) for _ in range(callers)]
        until = time.perf_counter() + seconds
        ready.wait()
        began = time.perf_counter()
        done = sum(worker.result() for worker in workers)
        return done / (time.perf_counter() - began)


def _client(emulator: Emulator, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=emulator.url,
        region_name=REGION,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        config=Config(max_pool_connections=CALLERS, retries={"max_attempts": 3}),
    )


def _measure(console: Console, client: Client, url: str) -> dict[str, float]:
    s3, dynamodb, number = client("s3"), client("dynamodb"), itertools.count()
    s3.create_bucket(Bucket=_BUCKET)
    create_table(_TABLE)
    sides: dict[str, Call] = {
        "S3 put of 32 bytes": lambda: s3.put_object(Bucket=_BUCKET, Key=f"leaf/{next(number)}", Body=os.urandom(32)),
        "DynamoDB put of 32 bytes": lambda: dynamodb.put_item(
            TableName=_TABLE,
            Item={"pk": {"S": f"leaf#{next(number)}"}, "sk": {"S": "-"}, "leaf": {"B": os.urandom(32)}},
        ),
    }
    contexts = {}
    for name in ("one", "tasks"):
        for table in (f"{name}-business", f"{name}-evidence"):
            create_table(table)
        s3.create_bucket(Bucket=f"{_BUCKET}-{name}")
        store = DynamoStore(f"{name}-business", f"{name}-evidence", region=REGION, endpoint=url)
        contexts[name] = make_context(store=store, files=S3Files(f"{_BUCKET}-{name}"), clock=SystemClock())
    with BatchingWriter(_append_to(contexts["one"])) as writer:
        sides["one process, through the batching writer"] = lambda: writer.add(os.urandom(32))
        sides["each a task that logs its own discount"] = _tasks_of(contexts["tasks"])
        rates: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(_ROUNDS):
            for name, call in sides.items():
                rates[name].append(rate_of(call))
    medians = {name: statistics.median(kept) for name, kept in rates.items()}
    puts = medians["S3 put of 32 bytes"]
    table = Table("on the emulator, 64 callers", "a second", "÷ S3 puts", title="S3 and DynamoDB")
    for name, rate in medians.items():
        table.add_row(name, f"{rate:,.0f}", f"{rate / puts:.2f}")
    console.print(table)
    return medians


def _append_to(context: Context) -> Callable[[list[bytes]], int]:
    """The steps of one batch of the log's writers, for leaves that are nobody's."""

    def append(leaves: list[bytes]) -> int:
        head = head_of(context)
        size = 0 if head is None else int(head.body["size"])
        batch = Batch(tuple(leaves))
        assert stage(context.files, size, batch), "nobody else writes to this log"
        _publish(context, head, batch)
        return size

    return append


def _tasks_of(context: Context) -> Call:
    """What Seal and Record do, each for a discount of its own; answers when the log and the discount know it."""
    waiting: deque[str] = deque()
    for number in range(_TASKS):
        subject = f"discount#bench-{number}"
        state = {"discount_id": f"bench-{number}", "status": "ACCEPTED"}
        context.store.transact(
            first_writes(subject, "discount_id", f"bench-{number}", state, "DiscountRequested", context.clock.now(), {})
        )
        waiting.append(subject)

    def log_one() -> None:
        item = context.store.get(waiting.popleft(), STATE)
        assert item is not None, "it was written above"
        append_pending(context, item)

    return log_one
