"""Who discounts what and when in a synthetic history: business as usual, to which benchmarks add what is to be
found.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from stdnum.cn import uscc as credit_code

from history_shapes import End
from rongtong.adapters.calendars import legal_calendar
from rongtong.domain.calendar import SHANGHAI
from rongtong.domain.identity import organisation_check
from rongtong.services.records import derived_id

MONTHS = 12
END = date(2026, 11, 1)
"""The first day after the history."""
COMPANIES = 1000
_SHARES = ((End.REVIEWED, 0.02), (End.REFUSED, 0.03), (End.FAILED, 0.01), (End.RETURNED, 0.005))
_SPARE = 1.05
"""So many times as many deals are drawn as are asked for; that many are kept."""
_EVENING, _NEW_BUYER = 0.04, 0.06
"""Shares of the deals."""
_BUYERS = 200
_PARTNERS = ("partner-a", "partner-b")
_OPENS, _OPEN_S = 9, 8 * 3600
"""Most of it is asked for between 9 and 17 o'clock in Shanghai, on working days."""


@dataclass(frozen=True, slots=True)
class Deal:
    """One discount to be written; ``at`` is an aware instant, amounts in fen, companies by their number."""

    at: datetime
    company: int
    buyer: str
    fen: int
    end: End = End.PAID
    held_days: int = 40
    """Days from the bill's issue to its discount."""
    invoice: str | None = None
    """The invoice of another deal, where it is used again."""


def company_code(number: int) -> str:
    """A company's unified social credit code; buyers that are no customers have numbers from 500,000 on."""
    first8 = f"MA{number:06d}"
    first17 = f"91350100{first8}{organisation_check(first8)}"
    return first17 + str(credit_code.calc_check_digit(first17))


def buyer_code(number: int) -> str:
    """The same of a buyer that is nobody's customer here."""
    return company_code(500_000 + number)


def enterprise_id(number: int) -> str:
    """A company's id on the platform that it is registered with."""
    return derived_id("ent", partner_of(number), company_code(number))


def partner_of(number: int) -> str:
    """Through which platform a company comes."""
    return _PARTNERS[number % len(_PARTNERS)]


def companies_for(discounts: int) -> int:
    """A thousand for a hundred thousand discounts, and so many a company for fewer of them too."""
    return max(20, min(COMPANIES, discounts // 100))


def working_days(end: date = END, months: int = MONTHS) -> list[list[date]]:
    """The working days of each month before ``end``, the oldest month first."""
    calendar, found, first = legal_calendar(), [], end
    for _ in range(months):
        last, first = first, (first - timedelta(days=1)).replace(day=1)
        days = [first + timedelta(days=at) for at in range((last - first).days)]
        found.append([day for day in days if calendar.is_working_day(day)])
    return found[::-1]


def usual(discounts: int, companies: int, *, seed: int = 1, end: date = END, months: int = MONTHS) -> list[Deal]:
    """So many deals of business as usual, in the order of time.

    Each company has its own pace, amounts and circle of buyers. Months are better and worse, for all and for one; some
    discounts are asked for in the evening, are of a new buyer, or come to nothing.
    """
    chance, calendar = random.Random(seed), working_days(end, months)
    paces = [chance.lognormvariate(0, 0.3) for _ in range(companies)]
    seasons = [len(days) / 21 * chance.uniform(0.85, 1.15) for days in calendar]
    each = discounts * _SPARE / (sum(paces) * sum(seasons))
    deals: list[Deal] = []
    for company, pace in enumerate(paces):
        usual_fen = 10 ** chance.uniform(7.0, 8.2)
        buyers = [buyer_code(at) for at in chance.sample(range(_BUYERS), chance.randrange(4, 12))]
        for days, season in zip(calendar, seasons, strict=True):
            expected = pace * each * season * chance.lognormvariate(0, 0.25)
            count = max(0, round(chance.gauss(expected, expected**0.5)))
            deals += [_usual_deal(chance, company, usual_fen, buyers, days, end) for _ in range(count)]
    deals = chance.sample(deals, min(discounts, len(deals)))
    deals.sort(key=lambda deal: deal.at)
    return deals


def _usual_deal(
    chance: random.Random, company: int, usual_fen: float, buyers: list[str], days: list[date], end: date
) -> Deal:
    evening = chance.random() < _EVENING
    at = instant(chance.choice(days), chance, opens=17 if evening else _OPENS, seconds=5 * 3600 if evening else _OPEN_S)
    buyer = buyer_code(chance.randrange(_BUYERS)) if chance.random() < _NEW_BUYER else chance.choice(buyers)
    fen = int(usual_fen * chance.lognormvariate(0, 0.45))
    return Deal(at, company, buyer, fen, _end(chance, at, end), chance.randrange(2, 90))


def instant(day: date, chance: random.Random, *, opens: int = _OPENS, seconds: int = _OPEN_S) -> datetime:
    """Some instant of the day in Shanghai, in the hours of usual business or in others."""
    begins = datetime(day.year, day.month, day.day, opens, tzinfo=SHANGHAI)
    return (begins + timedelta(milliseconds=chance.randrange(seconds * 1000))).astimezone(UTC)


def _end(chance: random.Random, at: datetime, end: date) -> End:
    drawn = chance.random()
    for one, share in _SHARES:
        if drawn < share:
            late = one is End.RETURNED and (at + timedelta(days=3)).date() >= end
            return End.PAID if late else one
        drawn -= share
    return End.PAID
