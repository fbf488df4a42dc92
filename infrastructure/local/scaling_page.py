"""Writes the tables of docs/operations/scaling.md from quotas.py and the template. Run by `make docs`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields

from expected_load import COUNTED, MEANT, Assumptions, Facts, Load
from paths import ROOT
from quotas import (
    LOADS,
    QUOTAS,
    Deployment,
    Prices,
    Quota,
    provisioned_writes_a_year,
    ready_a_year,
    writes_a_year,
)

PAGE = ROOT / "docs" / "operations" / "scaling.md"
BEGIN, END = "<!-- written by make docs -->", "<!-- end of what make docs writes -->"
_FACTS = (
    ("Verify", "verify_ms"),
    ("Seal", "seal_ms"),
    ("Pay", "pay_ms"),
    ("Deliver", "deliver_ms"),
    ("Record", "record_ms"),
)


def tables() -> str:
    """All tables, for the loads and what is deployed for each."""
    cases = [(load, Deployment.of(name)) for name, load in LOADS.items()]
    return "\n\n".join((_assumed(), _counted(), _rates(cases), _processes(cases), _quotas(cases), _costs(cases)))


def page(text: str) -> str:
    """The page with its tables made anew. Raises ValueError where it has no place for them."""
    before, begun, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not begun or not ended:
        raise ValueError(f"{PAGE} has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [
        head,
        tuple("---" if at == 0 else "---:" if _figures(rows, at) else "---" for at in range(len(head))),
        *rows,
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _figures(rows: Sequence[tuple[str, ...]], at: int) -> bool:
    return all(row[at][:1].isdigit() or row[at][:1] == "$" for row in rows)


def _rate(value: float) -> str:
    """At least two digits, never less than there is."""
    digits = 0 if value >= 10 else 1 if value >= 1 else 3
    return f"{math.ceil(value * 10**digits) / 10**digits:,.{digits}f}"


def _discounts(load: Load) -> str:
    return f"{load.discounts:,} a year"


def _assumed() -> str:
    assumed = Assumptions()
    rows = [(f"`{one.name}`", str(getattr(assumed, one.name)), MEANT[one.name]) for one in fields(Assumptions)]
    return "### Assumed\n\n" + _table(("", "", "what is meant"), rows)


def _counted() -> str:
    facts = Facts()
    rows = [(f"`{one.name}`", str(getattr(facts, one.name)), COUNTED[one.name]) for one in fields(Facts)]
    return "### Counted, of one straight-through discount\n\n" + _table(("", "", "what is meant"), rows)


def _rates(cases: list[tuple[Load, Deployment]]) -> str:
    loads = [load for load, _ in cases]
    rows = [
        ("discounts on the busiest day", *(f"{math.ceil(load.busy_day):,}" for load in loads)),
        ("discounts a second in its busiest hour", *(_rate(load.peak) for load in loads)),
        ("discounts a second in its busiest minute", *(_rate(load.rush) for load in loads)),
        ("requests a second in that minute", *(_rate(load.requests) for load in loads)),
        (
            "discounts a second to finish, for the last of that minute to be paid in time",
            *(_rate(load.served) for load in loads),
        ),
        (
            "of the time in that minute, the day's counter of all business is in a transaction",
            *(f"{_rate(load.counter_busy * 100)} %" for load in loads),
        ),
    ]
    return "### Rates\n\n" + _table(("", *map(_discounts, loads)), rows)


def _processes(cases: list[tuple[Load, Deployment]]) -> str:
    facts = cases[0][0].facts
    rows = []
    for name, milliseconds in _FACTS:
        needed = (
            figure
            for load, _ in cases
            for figure in (str(load.tasks(load.peak)[name]), str(load.tasks(load.served)[name]))
        )
        rows.append((name, str(getattr(facts, milliseconds)), *needed))
    rows.append(("`ProvisionedConcurrency`", "", *(one for _, has in cases for one in (str(has.ready), ""))))
    rows.append(("`TaskConcurrency`", "", *(one for _, has in cases for one in ("", str(has.tasks_at_once)))))
    head = [f"{_discounts(load)}: {when}" for load, _ in cases for when in ("busiest hour", "in time after the rush")]
    return "### Processes of each task\n\n" + _table(("task", "ms", *head), rows)


def _quotas(cases: list[tuple[Load, Deployment]]) -> str:
    rows = [
        (one.service, one.name, one.code or "—", f"{one.default:,}", *(_needed(one, *case) for case in cases), one.how)
        for one in QUOTAS
    ]
    head = ("service", "quota", "code", "default", *(_discounts(load) for load, _ in cases), "how computed")
    return "### Quotas\n\n" + _table(head, rows)


def _needed(quota: Quota, load: Load, deployed: Deployment) -> str:
    needed = quota.needed(load, deployed)
    return f"{_rate(needed)}{', **raise it**' if needed > quota.default else ''}"


def _costs(cases: list[tuple[Load, Deployment]]) -> str:
    prices = Prices()
    rows = [
        (what, *figures)
        for what, figures in (
            (
                "processes kept ready, as the file of parameters says",
                [f"${ready_a_year(has.ready, prices):,.0f}" for _, has in cases],
            ),
            ("writes paid for by the request", [f"${writes_a_year(load, prices):,.0f}" for load, _ in cases]),
            (
                "write units that bear the busiest minute at any time",
                [f"${provisioned_writes_a_year(load, prices):,.0f}" for load, _ in cases],
            ),
        )
    ]
    return "### Costs a year\n\n" + _table(("", *(_discounts(load) for load, _ in cases)), rows)


def main() -> None:
    """Write it."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"{len(QUOTAS)} quotas in {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
