"""The demo's figures: counted, compared with what the file expects, shown as tables and kept as JSON."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from measure import Cost
from rongtong.domain.money import fen_to_yuan
from submit import Outcome

Summary = dict[str, Any]


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest value that at least ``percent`` of all values do not exceed; 0 of none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def summarise(outcomes: list[Outcome], costs: list[Cost], receipts_verified: int, bank_paid_fen: int) -> Summary:
    """The figures of one run; seconds are from acceptance to money out, on the platform's own clock."""
    paid = [outcome for outcome in outcomes if outcome.outcome == "disbursed"]
    seconds = [outcome.seconds for outcome in paid]
    counted = Counter(outcome.outcome for outcome in outcomes)

    def total(field: str) -> int:
        return sum(int(outcome.discount.get(field, 0)) for outcome in paid)

    def mean(field: str) -> float:
        return round(statistics.fmean(getattr(cost, field) for cost in costs), 2) if costs else 0.0

    def worst(field: str) -> int:
        return max((getattr(cost, field) for cost in costs), default=0)

    return {
        "bills": len(outcomes),
        **{name: counted[name] for name in ("disbursed", "refused", "in_review", "failed")},
        "as_expected": sum(outcome.as_expected for outcome in outcomes),
        **{f"p{percent}_s": round(percentile(seconds, percent), 3) for percent in (50, 95, 99)},
        "face_fen": total("face_fen"),
        "interest_fen": total("interest_fen"),
        "buyer_interest_fen": total("buyer_interest_fen"),
        "fee_fen": total("fee_fen"),
        "paid_fen": total("paid_fen"),
        "bank_paid_fen": bank_paid_fen,
        "receipts_verified": receipts_verified,
        "task_invocations_per_discount": mean("task_invocations"),
        "transitions_per_discount": mean("transitions"),
        "write_units_per_discount": mean("write_units"),
        "task_invocations_max": worst("task_invocations"),
        "transitions_max": worst("transitions"),
        "write_units_max": worst("write_units"),
    }


def faults(summary: Summary, outcomes: list[Outcome]) -> list[str]:
    """What is not as it must be, as sentences; empty when all is well."""
    found = [
        f"line {outcome.bill.line}: {outcome.outcome} {outcome.reason}, "
        f"expected {outcome.bill.expected or 'an end'} {outcome.bill.reason}"
        for outcome in outcomes
        if not outcome.as_expected
    ]
    owed = summary["face_fen"] - summary["interest_fen"] + summary["buyer_interest_fen"] - summary["fee_fen"]
    if not summary["paid_fen"] == summary["bank_paid_fen"] == owed:
        found.append(f"paid {summary['paid_fen']}, bank paid {summary['bank_paid_fen']}, owed {owed} fen")
    if summary["receipts_verified"] != summary["disbursed"]:
        found.append(f"{summary['receipts_verified']} receipts verified of {summary['disbursed']} discounts paid")
    return found


def show(console: Console, summary: Summary, outcomes: list[Outcome]) -> None:
    """Print outcomes with their reasons, times, money and costs."""
    table = Table(title="Outcomes", title_justify="left")
    for column in ("outcome", "reason"):
        table.add_column(column)
    for column in ("bills", "as expected"):
        table.add_column(column, justify="right")
    groups = Counter((outcome.outcome, outcome.reason) for outcome in outcomes)
    fit = Counter((outcome.outcome, outcome.reason) for outcome in outcomes if outcome.as_expected)
    for (name, reason), count in sorted(groups.items(), key=lambda group: (-group[1], group[0])):
        table.add_row(name, reason, str(count), str(fit[name, reason]))
    console.print(table)
    figures = Table(title="Figures", title_justify="left", show_header=False)
    figures.add_column("figure")
    figures.add_column("value", justify="right")
    times = " / ".join(f"{summary[f'p{percent}_s']:.2f}" for percent in (50, 95, 99))
    figures.add_row("accept to paid, p50 / p95 / p99 (s)", times)
    for label, key in (
        ("face", "face_fen"),
        ("interest", "interest_fen"),
        ("of it paid by buyers", "buyer_interest_fen"),
        ("paid", "paid_fen"),
        ("paid, says the bank", "bank_paid_fen"),
    ):
        figures.add_row(f"{label} (yuan)", f"{int(summary[key]) // 100:,}.{int(summary[key]) % 100:02d}")
    figures.add_row("receipts verified", f"{summary['receipts_verified']} of {summary['disbursed']}")
    for label, key in (
        ("task invocations", "task_invocations"),
        ("state transitions", "transitions"),
        ("write units", "write_units"),
    ):
        figures.add_row(
            f"{label} per discount, mean / worst", f"{summary[f'{key}_per_discount']} / {summary[f'{key}_max']}"
        )
    console.print(figures)


def example(outcome: Outcome) -> str:
    """One paid discount in a line."""
    discount = outcome.discount
    return (
        f"{discount['discount_id']}: {fen_to_yuan(discount['face_fen'])} yuan at {discount['annual_rate']} % for "
        f"{discount['days']} days, {fen_to_yuan(discount['paid_fen'])} yuan paid in {outcome.seconds:.2f} s"
    )
