"""Anomalies of the month that is reviewed, planted into business as usual: one company each, two where it takes two."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace

from history_deals import END, Deal, buyer_code, company_code, instant, working_days
from history_shapes import End
from rongtong.domain.monthly_figures import month_before, month_of

MONTH = month_before(END.isoformat()[:7])
"""The month that is reviewed."""
Planted = Mapping[int, str]
"""By company: the rule that is to find it."""
Changed = Callable[[list[Deal], random.Random], list[Deal]]
_LEAST_DEALS, _ACTIVE_MONTHS = 5, 6
_UNDER_LINE = 197_000_000
_SILENT = 5


def plant(deals: list[Deal], companies: int, each: int, *, seed: int = 7) -> tuple[list[Deal], Planted]:
    """So many of each kind in companies that did business in each month of the last half year.

    Answers the changed deals in the order of time, and which company is to be found by which rule.
    """
    chance = random.Random(seed)
    own: dict[int, list[Deal]] = {number: [] for number in range(companies)}
    for deal in deals:
        own[deal.company].append(deal)
    steady = [number for number in own if _is_steady(own[number])]
    if len(steady) < each * (len(_CHANGES) + 2):
        raise ValueError(f"{len(steady)} companies did business all the time; plant fewer or ask for more discounts.")
    chance.shuffle(steady)
    planted: dict[int, str] = {}
    for rule, change in _CHANGES.items():
        for _ in range(each):
            number = steady.pop()
            now = [deal for deal in own[number] if month_of(deal.at) == MONTH]
            before = [deal for deal in own[number] if month_of(deal.at) != MONTH]
            if rule == "DORMANT_ACTIVE":
                before = [deal for deal in before if month_of(deal.at) <= month_before(MONTH, _SILENT)]
            own[number] = [*before, *change(now, chance)]
            planted[number] = rule
    for _ in range(each):
        pair = steady.pop(), steady.pop()
        for one, other in (pair, pair[::-1]):
            own[one].append(replace(_last(own[one]), buyer=company_code(other), fen=30_000_000, end=End.PAID))
            planted[one] = "ROUND_TRIP"
    return sorted((deal for changed in own.values() for deal in changed), key=lambda deal: deal.at), planted


def _is_steady(deals: list[Deal]) -> bool:
    months = [month_of(deal.at) for deal in deals]
    recent = [month_before(MONTH, back) for back in range(_ACTIVE_MONTHS + 1)]
    return months.count(MONTH) >= _LEAST_DEALS and all(month in months for month in recent)


def _last(deals: list[Deal]) -> Deal:
    return max(deals, key=lambda deal: deal.at)


def _more_money(now: list[Deal], _: random.Random) -> list[Deal]:
    return [replace(deal, fen=deal.fen * 12 + 20_000_000) for deal in now]


def _more_often(now: list[Deal], chance: random.Random) -> list[Deal]:
    days = working_days()[-1]
    more = [replace(chance.choice(now), at=instant(chance.choice(days), chance)) for _ in range(8 * len(now) + 10)]
    return [replace(deal, fen=max(deal.fen // 10, 100_000)) for deal in [*now, *more]]


def _same_document(now: list[Deal], chance: random.Random) -> list[Deal]:
    invoice = f"2636{chance.randrange(10**16):016d}"
    again = [replace(now[at], at=now[-1].at, end=End.REUSED, invoice=invoice) for at in range(4)]
    return [*now, *again]


def _only_new_buyers(now: list[Deal], chance: random.Random) -> list[Deal]:
    new = buyer_code(10_000 + chance.randrange(10_000))
    return [replace(deal, buyer=new) for deal in now]


def _all(**changes: object) -> Changed:
    def change(now: list[Deal], _: random.Random) -> list[Deal]:
        return [replace(deal, **changes) for deal in now]  # type: ignore[arg-type]  # fields of a deal

    return change


def _mostly_refused(now: list[Deal], _: random.Random) -> list[Deal]:
    more = [*now, *now[:2]]
    return [replace(deal, end=End.REFUSED if at % 4 else End.PAID) for at, deal in enumerate(more)]


def _at_night(now: list[Deal], chance: random.Random) -> list[Deal]:
    days = working_days()[-1]
    return [replace(deal, at=instant(chance.choice(days), chance, opens=1, seconds=3 * 3600)) for deal in now]


_CHANGES: Mapping[str, Changed] = {
    "VOLUME_JUMP": _more_money,
    "COUNT_JUMP": _more_often,
    "AMOUNTS_UNDER_LINE": _all(fen=_UNDER_LINE),
    "NEW_COUNTERPARTIES": _only_new_buyers,
    "UNPAID_SHARE": _mostly_refused,
    "ODD_HOURS": _at_night,
    "QUICK_DISCOUNT": _all(held_days=1),
    "DOCUMENT_REUSE": _same_document,
    "DORMANT_ACTIVE": _all(fen=60_000_000),
    "RISK_REVIEWS": _all(end=End.REVIEWED),
}
