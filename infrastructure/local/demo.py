"""The main job for everybody to watch: a file of bills is discounted through the public API on the local stack."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from measure import cost_of
from partner_client import PartnerClient
from paths import BUILD, SAMPLES, discard
from report import render
from rongtong.domain.receipt import ReceiptError, verify_receipt
from rongtong.domain.trust import TrustPolicy
from rongtong.verify import main as verify_file
from sample_file import SampleBill, SampleFileError, read_bills, read_json
from seed import load_key
from stack import Stack, up
from submit import IN_FLIGHT, Outcome, PartnerError, Session, prepare_sandbox, register, statement_total, submit_all
from summary import example, faults, percentile, show, summarise

BUSINESS_TIME = "2026-04-15T10:00:00+08:00"
_FOLDER = BUILD / "demo"


def main() -> int:
    """0 when every bill ended as its file expects, the money agrees and every receipt verifies; 1 otherwise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bills", type=Path, default=SAMPLES / "bills.csv")
    options = parser.parse_args()
    console = Console(soft_wrap=True)
    began = time.monotonic()
    try:
        bills = read_bills(options.bills)
    except SampleFileError as error:
        console.print(f"[red]{error}[/red]")
        return 1
    discard(_FOLDER)
    _FOLDER.mkdir(parents=True)
    console.print(f"RongTong: {len(bills)} bills become money, {IN_FLIGHT} in flight, on a local stack.")
    try:
        stack = up(_FOLDER, lambda step: console.print(f"  {time.monotonic() - began:5.1f} s  {step}"))
        try:
            return _run(console, stack, bills, began)
        finally:
            stack.emulator.stop()
    except (PartnerError, RuntimeError) as error:
        console.print(f"[red]{error}[/red]")
        return 1


def _run(console: Console, stack: Stack, bills: list[SampleBill], began: float) -> int:
    client = PartnerClient(stack.base_url, "partner-a", load_key(Path(stack.keys), "partner-a"))
    enterprises, warm_up = read_json("enterprises.json"), read_bills(SAMPLES / "warm_up.csv")
    with _progress(console) as progress:
        task = progress.add_task("sandbox: clock, registries, accounts", total=1)
        prepare_sandbox(stack.sandbox_url, BUSINESS_TIME, [*warm_up, *bills], enterprises)
        progress.update(task, completed=1)
        task = progress.add_task("enterprises registered", total=len(enterprises))
        ids = register(client, enterprises, lambda: progress.advance(task))
        task = progress.add_task("warm-up bills", total=len(warm_up))
        session = Session(client, ids, _FOLDER / "warm-up", stack.sandbox_url)
        submit_all(session, warm_up, lambda _: progress.advance(task))
        before = statement_total(stack.sandbox_url)
        task = progress.add_task("bills of the file", total=len(bills))
        session = Session(client, ids, _FOLDER / "receipts", stack.sandbox_url)
        outcomes = submit_all(session, bills, lambda _: progress.advance(task))
        paid = [outcome for outcome in outcomes if outcome.outcome == "disbursed"]
        task = progress.add_task("receipts verified, executions counted", total=len(paid))
        states, costs, verified = stack.client("stepfunctions"), {}, 0
        trust = TrustPolicy.parse(Path(stack.trust).read_text())
        for outcome in paid:
            verified += _verifies(outcome, trust)
            name = str(outcome.discount["discount_id"])
            costs[name] = cost_of(states, stack.discount_machine_arn, name)
            progress.advance(task)
    bank_paid = statement_total(stack.sandbox_url) - before
    summary = summarise(outcomes, list(costs.values()), verified, bank_paid)
    show(console, summary, outcomes)
    (_FOLDER / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    shown = _median(paid)
    drawn = [
        (title, one, costs[str(one.discount["discount_id"])])
        for title, one in (("The median discount", shown), ("The slowest discount", _slowest(paid)))
        if one is not None
    ]
    (_FOLDER / "report.html").write_text(render(summary, outcomes, drawn), encoding="utf-8")
    found = faults(summary, outcomes)
    if shown is not None and shown.receipt is not None:
        console.print(f"For example {example(shown)}")
        found += _tamper(console, shown.receipt, stack.trust)
    found += _audit(console, stack)
    _close(console, found, time.monotonic() - began)
    return 1 if found else 0


def _verifies(outcome: Outcome, trust: TrustPolicy) -> bool:
    if outcome.receipt is None:
        return False
    try:
        proved = verify_receipt(outcome.receipt.read_bytes(), trust)
    except ReceiptError:
        return False
    return proved.discount_id == outcome.discount["discount_id"] and "DiscountPaid" in proved.events


def _median(paid: list[Outcome]) -> Outcome | None:
    middle = percentile([outcome.seconds for outcome in paid], 50)
    return next((outcome for outcome in paid if outcome.seconds == middle), None)


def _slowest(paid: list[Outcome]) -> Outcome | None:
    return max(paid, key=lambda outcome: outcome.seconds, default=None)


def _tamper(console: Console, receipt: Path, trust: str) -> list[str]:
    """Show the verifier on a receipt and on a copy with one byte changed."""
    content = bytearray(receipt.read_bytes())
    content[len(content) // 2] ^= 1
    changed = _FOLDER / "one-byte-changed.json"
    changed.write_bytes(content)
    codes = []
    for path in (receipt, changed):
        shown = [place.relative_to(BUILD.parent) for place in (path, Path(trust))]
        console.print(f"[bold]python -m rongtong.verify {shown[0]} --policy {shown[1]}[/bold]")
        codes.append(verify_file([str(path), "--policy", trust]))
    return [] if codes == [0, 1] else [f"the verifier exited {codes} for a receipt and its changed copy, not 0 and 1"]


def _audit(console: Console, stack: Stack) -> list[str]:
    """Recompute the whole log from what is published."""
    policy = Path(stack.trust).relative_to(BUILD.parent)
    console.print(f"[bold]python -m rongtong.verify --audit <log> --policy {policy}[/bold]")
    code = verify_file(["--audit", stack.log_url, "--policy", stack.trust])
    return [] if code == 0 else ["the published log does not check"]


def _close(console: Console, found: list[str], seconds: float) -> None:
    for fault in found[:20]:
        console.print(f"[red]{fault}[/red]")
    console.print(f"Figures {_FOLDER / 'summary.json'}\nPictures {_FOLDER / 'report.html'}")
    if found:
        console.print(f"[red]{len(found)} faults[/red] after {seconds:.0f} s; the emulator's log is in {_FOLDER}.")
    else:
        console.print(f"All as expected after {seconds:.0f} s. Next: `make up` keeps a stack running; read README.md.")


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("  {task.description:<40}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )


if __name__ == "__main__":
    sys.exit(main())
