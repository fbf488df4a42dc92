"""How long a bill may run (票据期限), and whether it has matured."""

from __future__ import annotations

import calendar
from datetime import date

BILL_MATURED = "BILL_MATURED"
MATURITY_BEFORE_ISSUE = "MATURITY_BEFORE_ISSUE"
TENOR_TOO_LONG = "TENOR_TOO_LONG"
_MONTHS_A_YEAR = 12
_EARLIER_MONTHS_ELECTRONIC = 12
_EARLIER_MONTHS_PAPER = 6


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or that month's last: 08-31 + 6 is 02-28 or 02-29 (assumed: configurable)."""
    years, month = divmod(day.month - 1 + months, _MONTHS_A_YEAR)
    year = day.year + years
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def tenor_fault(
    issue: date,
    maturity: date,
    discount_date: date,
    months: int = 6,
    cap_start: date = date(2023, 1, 1),
    *,
    paper: bool = False,
) -> str | None:
    """Why a bill of these dates cannot be discounted, or None.

    MATURITY_BEFORE_ISSUE; BILL_MATURED on and after the nominal maturity; TENOR_TOO_LONG: more than ``months`` from
    issue to maturity (Order 〔2022〕4号 article 25). Issued before ``cap_start``, a bill ran up to a year,
    ``paper`` up to six months.
    """
    if maturity <= issue:
        return MATURITY_BEFORE_ISSUE
    if maturity <= discount_date:
        return BILL_MATURED
    if issue < cap_start:
        months = _EARLIER_MONTHS_PAPER if paper else _EARLIER_MONTHS_ELECTRONIC
    return TENOR_TOO_LONG if maturity > add_months(issue, months) else None
