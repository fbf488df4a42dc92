"""Fifty discounts in flight while function processes are killed and the bank answers badly: does all end, paid once?

Exit 0 when every discount has ended, the bank's statement is our books to the fen, and reconciliation finds nothing.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import requests
from rich.console import Console
from rich.table import Table

from deployed import Deployed, running
from paths import BUILD
from rongtong.domain.payment import payment_reference
from sample_file import SampleBill

_ENDS = {"DISBURSED", "REFUSED", "FAILED"}
_MOOD = {"timeouts_percent": 20, "duplicates_percent": 5, "late_percent": 5, "late_s": 20, "answer_after_s": 7}
_PATIENCE_S = 900
_STOPPED = 0.2
"""How often an execution is stopped beside a process."""
_LEFT_ALONE = ("rongtong-SandboxFunction", "rongtong-AuthorizeFunction")
"""The sandbox stands outside; of the authorizer the emulator keeps no working process after its last one was killed."""
_UNPACKED_S = 3.0
"""Younger processes still unpack their code: killed then, the emulator starts none in their place."""
Document = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--discounts", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long processes are killed")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    console, began = Console(soft_wrap=True), time.monotonic()
    console.print(
        f"kill: {options.discounts} discounts, processes killed for {options.seconds:.0f} s, seed {options.seed}"
    )

    def say(step: str) -> None:
        console.print(f"  {time.monotonic() - began:6.1f} s  {step}")

    with running(BUILD / "kill", say) as deployed:
        return _run(deployed, options, console, say)


def _run(deployed: Deployed, options: argparse.Namespace, console: Console, say: Any) -> int:
    bills = [next(deployed.plain) for _ in range(options.discounts)]
    deployed.mood(bank=_MOOD)
    say("submitting, and killing function processes at random")
    killed: list[str] = []
    stopped: list[str] = []
    stop = threading.Event()
    chance = random.Random(options.seed)
    killer = threading.Thread(target=_kill, args=(deployed, chance, options.seconds, killed, stopped, stop))
    killer.start()
    try:
        with ThreadPoolExecutor(16) as pool:
            ids = list(pool.map(lambda pair: _submit(deployed, *pair), enumerate(bills)))
        killer.join()
    finally:
        stop.set()
    say(f"{len(killed)} processes killed; waiting for every discount to end")
    states = deployed.stack.client("stepfunctions")
    failed = _failed(deployed, states)
    deadline = time.monotonic() + _PATIENCE_S
    presses = 0
    while (ends := _statuses(deployed, ids)) and not set(ends.values()) <= _ENDS and time.monotonic() < deadline:
        if _not_at_rest(deployed):
            presses += 1
            deployed.press_replay("KILLED_ON_PURPOSE")
        time.sleep(5)
    while _not_at_rest(deployed) and time.monotonic() < deadline:
        presses += 1
        deployed.press_replay("KILLED_ON_PURPOSE")
        time.sleep(5)
    deployed.mood()
    say("comparing the bank's statement with the books")
    found = {one: deployed.clients["partner-a"].get(f"/v1/discounts/{one}").json() for one in ids}
    statement = requests.get(f"{deployed.stack.sandbox_url}/statement", timeout=30).json()["payments"]
    reconciled = _reconcile(deployed)
    books = {one: document["paid_fen"] for one, document in found.items() if document["status"] == "DISBURSED"}
    table = Table("what", "figure", title="Killed processes and a bad bank")
    rows: Document = {
        "discounts": len(ids),
        **{status.lower(): sum(one["status"] == status for one in found.values()) for status in sorted(_ENDS)},
        "not ended": sum(one["status"] not in _ENDS for one in found.values()),
        "processes killed": len(killed),
        "executions stopped": len(stopped),
        "payments asked for more than once": sum(payment["requests"] > 1 for payment in statement),
        "executions that failed or were stopped": len(failed),
        "replay pressed": presses,
        "books, paid (fen)": sum(books.values()),
        "bank, paid (fen)": sum(int(payment["amount_fen"]) for payment in statement),
        "payments on the statement": len(statement),
        "differences found by reconciliation": len(reconciled["differences"]),
        "executions still failed and not at rest": len(_not_at_rest(deployed)),
    }
    for name, figure in rows.items():
        table.add_row(name, f"{figure:,}")
    console.print(table)
    good = (
        rows["not ended"] == 0
        and len(killed) > 0
        and len(stopped) > 0
        and {payment_reference(one, 1): fen for one, fen in books.items()}
        == {payment["reference"]: int(payment["amount_fen"]) for payment in statement}
        and reconciled["differences"] == []
        and rows["executions still failed and not at rest"] == 0
    )
    (BUILD / "kill" / "summary.json").write_text(json.dumps({**rows, "seed": options.seed, "good": good}, indent=2))
    console.print("All ended, paid once." if good else "[red]Not as promised.[/red]")
    return 0 if good else 1


def _kill(
    deployed: Deployed,
    chance: random.Random,
    seconds: float,
    killed: list[str],
    stopped: list[str],
    stop: threading.Event,
) -> None:
    """Kill one function's process after another; the sandbox stands outside and is left alone."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and not stop.is_set():
        time.sleep(chance.uniform(0.2, 1.2))
        workers = []
        for process in psutil.Process(deployed.stack.emulator_pid).children(recursive=True):
            try:
                name = process.environ().get("AWS_LAMBDA_FUNCTION_NAME", "")
            except psutil.Error:
                continue
            old = time.time() - process.create_time() > _UNPACKED_S
            if old and name.startswith("rongtong-") and not name.startswith(_LEFT_ALONE):
                workers.append((name, process))
        if chance.random() < _STOPPED:
            stopped += _stop_one(deployed, chance)
        if workers:
            name, process = chance.choice(workers)
            try:
                process.send_signal(signal.SIGKILL)
            except psutil.Error:
                continue
            killed.append(name)


def _stop_one(deployed: Deployed, chance: random.Random) -> list[str]:
    """Stop one of the executions that run, as if the service had lost it."""
    states = deployed.stack.client("stepfunctions")
    arn = deployed.stack.discount_machine_arn
    running_ones = states.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"]
    if not running_ones:
        return []
    one = chance.choice(running_ones)
    states.stop_execution(executionArn=one["executionArn"], error="STOPPED", cause="on purpose")
    return [str(one["name"])]


def _submit(deployed: Deployed, number: int, bill: SampleBill) -> str:
    """As a partner does: the same request under the same key until it is answered."""
    body, client = deployed.request(bill), deployed.clients["partner-a"]
    while True:
        try:
            answer = client.post("/v1/discounts", body, key=f"kill-{number}")
        except requests.RequestException:
            continue
        if answer.status_code == 202:
            return str(answer.json()["discount_id"])
        if answer.status_code < 500:
            raise AssertionError(f"line {bill.line}: {answer.status_code} {answer.text}")
        time.sleep(0.5)


def _statuses(deployed: Deployed, ids: list[str]) -> dict[str, str]:
    found = {}
    for one in ids:
        answer = deployed.clients["partner-a"].get(f"/v1/discounts/{one}")
        found[one] = str(answer.json().get("status")) if answer.status_code == 200 else "UNREAD"
    return found


def _failed(deployed: Deployed, states: Any) -> list[Document]:
    arn = deployed.stack.discount_machine_arn
    return [
        one
        for status in ("FAILED", "ABORTED", "TIMED_OUT")
        for one in states.list_executions(stateMachineArn=arn, statusFilter=status)["executions"]
    ]


def _not_at_rest(deployed: Deployed) -> list[Document]:
    answer = deployed.clients["operations"].get("/v1/operations/executions?status=failed&since=2h")
    return list(answer.json()["executions"])


def _reconcile(deployed: Deployed) -> Document:
    functions = deployed.stack.client("lambda")
    names = [one["FunctionName"] for one in functions.list_functions()["Functions"]]
    name = next(one for one in names if "ReconciliationJobFunction" in one)
    answer = functions.invoke(FunctionName=name, Payload=json.dumps({"day": "2026-04-15"}).encode())
    document: Document = json.loads(answer["Payload"].read())
    return document


if __name__ == "__main__":
    sys.exit(main())
