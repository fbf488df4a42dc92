"""The evidence log's durable appends on the emulator's S3 and DynamoDB, beside what the emulator's own puts take."""

from __future__ import annotations

import itertools
import os
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from botocore.config import Config
from rich.console import Console
from rich.table import Table

from emulator import CREDENTIALS, REGION, Emulator
from paths import BUILD, EMULATOR_PYTHON

CALLERS = 64
_ROUND_S = 4.0
_ROUNDS = 3
_BUCKET, _TABLE = "bench-log", "bench-evidence"
AppendOne = Callable[[], object]
Client = Callable[[str], Any]


def emulator_part(console: Console, make_append_one: Callable[[Client], AppendOne] | None = None) -> dict[str, float]:
    """Rates a second with 64 callers in flight; without a writer only those of the emulator itself.

    ``make_append_one`` is given what makes a boto3 client of the emulator by the service's name, and answers a call
    that appends one leaf durably and may be made by many threads at once.
    """
    emulator = Emulator.start(EMULATOR_PYTHON, BUILD / "bench" / "emulator")
    try:
        return _measure(console, lambda service: _client(emulator, service), make_append_one)
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


def _measure(
    console: Console, client: Client, make_append_one: Callable[[Client], AppendOne] | None
) -> dict[str, float]:
    s3, dynamodb, number = client("s3"), client("dynamodb"), itertools.count()
    s3.create_bucket(Bucket=_BUCKET)
    dynamodb.create_table(
        TableName=_TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    sides: dict[str, AppendOne] = {
        "S3 put of 32 bytes": lambda: s3.put_object(Bucket=_BUCKET, Key=f"leaf/{next(number)}", Body=os.urandom(32)),
        "DynamoDB put of 32 bytes": lambda: dynamodb.put_item(
            TableName=_TABLE, Item={"pk": {"S": f"leaf#{next(number)}"}, "leaf": {"B": os.urandom(32)}}
        ),
    }
    if make_append_one is not None:
        sides["append to the log"] = make_append_one(client)
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
