"""How long the replay command takes for 100, 300 and 1,000 failed executions on the local stack, and how that grows.

An execution fails here by being stopped while the registry is down. The sweeper, which would carry it on by itself, is
held still. The command is done when every one of them runs again; the recovery, when every discount is paid.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
from rich.console import Console
from rich.progress import track
from rich.table import Table

from deployed import Deployed, running
from paths import BUILD
from rongtong.domain.sub_bill_range import SubBillRange

_PIECES = 16
_SLEEP_S = 2.0
_PATIENCE_S = 3600
_AT_ONCE = 8
_TASKS_AT_ONCE = 5
"""A thousand executions want the processes of the emulator at once, and the machine has few cores for them."""
Document = dict[str, Any]


def main() -> int:
    """0 when every discount of every size was paid after one press."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[100, 300, 1000])
    options = parser.parse_args()
    console = Console(soft_wrap=True)
    table = Table("failed executions", "command (s)", "each (ms)", "all paid after (s)", "each (ms)", "paid")
    rows = []
    with running(BUILD / "recovery", lambda step: console.print(f"  {step}"), _TASKS_AT_ONCE) as deployed:
        _open_limits(deployed)
        _hold_the_sweeper(deployed)
        requests = _requests(deployed)
        for size in options.sizes:
            row = _recover(deployed, [next(requests) for _ in range(size)])
            rows.append(row)
            console.print(f"  {row}")
            table.add_row(
                *(f"{row['size']:,}", f"{row['command_s']:.1f}", f"{1000 * row['command_s'] / size:.0f}"),
                *(f"{row['paid_s']:.0f}", f"{1000 * row['paid_s'] / size:.0f}", str(row["paid"])),
            )
    console.print(table)
    console.print(f"{platform.processor() or platform.machine()}, {psutil.cpu_count()} cores, {_AT_ONCE} at once")
    (BUILD / "recovery" / "summary.json").write_text(json.dumps(rows, indent=2))
    return 0 if all(row["paid"] == row["size"] for row in rows) else 1


def _open_limits(deployed: Deployed) -> None:
    """Many pieces of one bill, and much of one enterprise on one day, are no matter of this measurement."""
    table = deployed.stack.client("dynamodb")
    for sort_key, change in (("policy", {"package_splits": 500}), ("limits", None)):
        key = {"pk": {"S": "platform"}, "sk": {"S": sort_key}}
        body = json.loads(table.get_item(TableName=deployed.stack.business_table, Key=key)["Item"]["body"]["S"])
        body = {} if change is None else {**body, **change}
        item = {**key, "version": {"N": "2"}, "body": {"S": json.dumps(body)}}
        table.put_item(TableName=deployed.stack.business_table, Item=item)


def _hold_the_sweeper(deployed: Deployed) -> None:
    functions = deployed.stack.client("lambda")
    pages = functions.get_paginator("list_functions").paginate()
    names = [one["FunctionName"] for page in pages for one in page["Functions"]]
    (sweeper,) = [name for name in names if "SweepRequestsFunction" in name]
    functions.put_function_concurrency(FunctionName=sweeper, ReservedConcurrentExecutions=0)


def _requests(deployed: Deployed) -> Iterator[Document]:
    """Pieces of the sample bills, each a discount of its own; not where the trade must add up to the whole."""
    for bill in deployed.plain:
        whole = SubBillRange.parse(bill.request["bill"]["range"])
        size = (whole.end - whole.start + 1) // _PIECES
        if "money_flows" in bill.request["trade"]:
            continue
        for at in range(_PIECES - 1):
            piece = SubBillRange(whole.start + at * size, whole.start + (at + 1) * size - 1)
            stated = {**bill.request["bill"], "range": piece.wire(), "amount_fen": piece.amount_fen}
            yield {**deployed.request(bill), "bill": stated}


def _recover(deployed: Deployed, requests: list[Document]) -> Document:
    states, client = deployed.stack.client("stepfunctions"), deployed.clients["partner-a"]
    deployed.mood(registry={"down": True})

    def fail(request: Document) -> str:
        key = str(uuid.uuid4())
        answer = client.post("/v1/discounts", request, key)
        while answer.status_code >= 500:  # too slow for the gateway: the same request again, as the API's page says
            answer = client.post("/v1/discounts", request, key)
        assert answer.status_code == 202, answer.text
        discount_id = str(answer.json()["discount_id"])
        arn = deployed.stack.discount_machine_arn.replace(":stateMachine:", ":execution:") + f":{discount_id}"
        states.stop_execution(executionArn=arn, error="STOPPED", cause="The bench stops it.")
        return discount_id

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        ids = list(track(pool.map(fail, requests), total=len(requests), description=f"  failing {len(requests)}"))
    deployed.mood()
    time.sleep(_SLEEP_S)
    began = time.monotonic()
    deployed.press_replay("BENCH", _AT_ONCE)
    command_s = time.monotonic() - began
    waiting = set(ids)
    while waiting and time.monotonic() < began + _PATIENCE_S:
        for discount_id in list(waiting):
            if client.get(f"/v1/discounts/{discount_id}").json().get("status") != "DISBURSED":
                break
            waiting.discard(discount_id)
        else:
            continue
        time.sleep(0.5)
    paid_s = time.monotonic() - began
    return {"size": len(ids), "command_s": command_s, "paid_s": paid_s, "paid": len(ids) - len(waiting)}


if __name__ == "__main__":
    sys.exit(main())
