"""Legal working days (法定工作日) with adjusted weekends (调休), and service hours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

from rongtong.domain.errors import CalendarError

SHANGHAI = ZoneInfo("Asia/Shanghai")
_SATURDAY = 5
_OFF_WEEKDAYS_LEAST = 8
"""Every published year has more than twice as many."""
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_SOURCE = re.compile(r"https://[^\s/]+(?:/\S*)?")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)


@dataclass(frozen=True)
class ServiceHours:
    """When discounts are accepted on a legal working day, Asia/Shanghai: opens ≤ t < closes (assumed: configurable).

    Raises CalendarError (SERVICE_HOURS) when they do not open before they close.
    """

    opens: time = time(9, 0)
    closes: time = time(17, 0)

    def __post_init__(self) -> None:
        if self.opens >= self.closes:
            raise _hours_refused("Service hours open before they close, on the same day.", "service_hours")

    @classmethod
    def parse(cls, document: object) -> Self:
        """Read ``{"opens": "09:00", "closes": "17:00"}``. Raises CalendarError (SERVICE_HOURS)."""
        if not isinstance(document, Mapping) or set(document) != {"opens", "closes"}:
            raise _hours_refused('Service hours look like {"opens": "09:00", "closes": "17:00"}.', "service_hours")
        return cls(_clock(document["opens"], "opens"), _clock(document["closes"], "closes"))


@dataclass(frozen=True)
class YearCalendar:
    """One confirmed year: the weekdays that are off and the weekend days that are worked."""

    year: int
    off_weekdays: frozenset[date]
    working_weekends: frozenset[date]

    @classmethod
    def of_notice(cls, year: int, off_weekdays: Iterable[date], working_weekends: Iterable[date]) -> Self:
        """A year as the State Council's notice (国务院办公厅放假通知) gives it.

        Raises CalendarError (CALENDAR_DAYS): a day of another year, a day off at a weekend, a worked day that is no
        weekend, or fewer than 8 days off.
        """
        off, worked = frozenset(off_weekdays), frozenset(working_weekends)
        for field, days in (("off_weekdays", off), ("working_weekends", worked)):
            for day in sorted(days):
                if day.year != year:
                    raise _days_refused(f"{day} is no day of {year}; take it out.", field)
        for day in sorted(off):
            if day.weekday() >= _SATURDAY:
                raise _days_refused(f"{day} is a weekend and off anyway; list weekdays only.", "off_weekdays")
        for day in sorted(worked):
            if day.weekday() < _SATURDAY:
                raise _days_refused(f"{day} is a weekday and worked anyway; list weekends only.", "working_weekends")
        if len(off) < _OFF_WEEKDAYS_LEAST:
            raise _days_refused(
                f"A year has at least {_OFF_WEEKDAYS_LEAST} statutory weekdays off, and {len(off)} are listed; "
                "list all of the notice's.",
                "off_weekdays",
            )
        return cls(year, off, worked)


class WorkingCalendar:
    """The confirmed years. A day of any other year is refused by name, never guessed."""

    def __init__(
        self, years: Mapping[int, YearCalendar], *, opens: time = time(9, 0), closes: time = time(17, 0)
    ) -> None:
        self._years = years
        self._hours = ServiceHours(opens, closes)

    def with_years(self, extra: Mapping[int, YearCalendar]) -> WorkingCalendar:
        """This calendar with further years; where both know a year, ``extra`` holds."""
        return WorkingCalendar({**self._years, **extra}, opens=self._hours.opens, closes=self._hours.closes)

    def with_hours(self, opens: time, closes: time) -> WorkingCalendar:
        """This calendar with a tenant's own service hours. Raises CalendarError (SERVICE_HOURS)."""
        return WorkingCalendar(self._years, opens=opens, closes=closes)

    def is_working_day(self, day: date) -> bool:
        """Whether the day is a legal working day. Raises CalendarError (CALENDAR_UNCONFIRMED)."""
        year = self._years.get(day.year)
        if year is None:
            raise CalendarError(
                f"The working-day calendar of {day.year} is not confirmed (没有下一工作日了，请维护节假日！); "
                "import that year first.",
                code="CALENDAR_UNCONFIRMED",
            )
        if day.weekday() >= _SATURDAY:
            return day in year.working_weekends
        return day not in year.off_weekdays

    def effective_maturity(self, maturity: date) -> date:
        """The maturity, or the next legal working day after it. Raises CalendarError (CALENDAR_UNCONFIRMED)."""
        day = maturity
        while not self.is_working_day(day):
            day += timedelta(days=1)
        return day

    def shanghai_date(self, instant: datetime) -> date:
        """The calendar day in Shanghai at an aware instant."""
        return instant.astimezone(SHANGHAI).date()

    def closes_at(self, instant: datetime) -> datetime:
        """The instant, in UTC, at which service ends on the Shanghai day of ``instant``."""
        return datetime.combine(self.shanghai_date(instant), self._hours.closes, SHANGHAI).astimezone(UTC)

    def service_time(self, since: datetime, until: datetime) -> timedelta:
        """How much of the time between two instants is service hours of working days; nothing where it runs backwards.

        Raises CalendarError (CALENDAR_UNCONFIRMED).
        """
        found, day = timedelta(0), self.shanghai_date(since)
        while day <= self.shanghai_date(until):
            if self.is_working_day(day):
                opens, closes = (datetime.combine(day, at, SHANGHAI) for at in (self._hours.opens, self._hours.closes))
                found += max(timedelta(0), min(until, closes) - max(since, opens))
            day += timedelta(days=1)
        return found

    def require_service_hours(self, instant: datetime) -> None:
        """Raises CalendarError (NOT_A_WORKING_DAY, OUT_OF_SERVICE_HOURS) outside 09:00 ≤ t < 17:00 of a working day."""
        local = instant.astimezone(SHANGHAI)
        if not self.is_working_day(local.date()):
            raise CalendarError(
                f"{local.date()} is no legal working day; send the request on the next one.",
                code="NOT_A_WORKING_DAY",
            )
        if not self._hours.opens <= local.time() < self._hours.closes:
            raise CalendarError(
                f"Discounts are accepted from {self._hours.opens:%H:%M} to {self._hours.closes:%H:%M} Asia/Shanghai; "
                f"it is {local:%H:%M}.",
                code="OUT_OF_SERVICE_HOURS",
            )


def parse_calendar_year(document: Mapping[str, Any]) -> YearCalendar:
    """A stored or imported year, with the published notice it was taken from.

    ``{"year": 2027, "off_weekdays": ["2027-01-01", …], "working_weekends": […], "source_url": "https://…",
    "sha256": 64 hexadecimal digits of the notice}``; what else stands beside them is not read.
    Raises CalendarError: CALENDAR_DAYS, CALENDAR_SOURCE.
    """
    year = document.get("year")
    if type(year) is not int:
        raise _days_refused("year is a whole number like 2027.", "year")
    days = [_days(document.get(field), field) for field in ("off_weekdays", "working_weekends")]
    _require_source(document.get("source_url"), document.get("sha256"))
    return YearCalendar.of_notice(year, *days)


def to_document(year: YearCalendar, source_url: str, sha256: str) -> dict[str, Any]:
    """The document that parse_calendar_year reads back as this year. Raises CalendarError (CALENDAR_SOURCE)."""
    _require_source(source_url, sha256)
    return {
        "year": year.year,
        "off_weekdays": [day.isoformat() for day in sorted(year.off_weekdays)],
        "working_weekends": [day.isoformat() for day in sorted(year.working_weekends)],
        "source_url": source_url,
        "sha256": sha256,
    }


def _days(listed: object, field: str) -> list[date]:
    if not isinstance(listed, list):
        raise _days_refused(f"{field} is a list of dates.", field)
    return [_day(text, f"{field}.{at}") for at, text in enumerate(listed)]


def _day(text: object, field: str) -> date:
    if isinstance(text, str) and _DAY.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise _days_refused(f"{text!r} is no date; write it like 2027-01-01.", field)


def _require_source(source_url: object, sha256: object) -> None:
    if not isinstance(source_url, str) or _SOURCE.fullmatch(source_url) is None:
        raise _source_refused("Give the https address of the published notice.", "source_url")
    if not isinstance(sha256, str) or _SHA256.fullmatch(sha256) is None:
        raise _source_refused("Give the SHA-256 of the published notice, 64 hexadecimal digits.", "sha256")


def _clock(text: object, field: str) -> time:
    match = _CLOCK.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise _hours_refused(f"{text!r} is no time of day; write it like 09:00.", f"service_hours.{field}")
    return time(int(match[1]), int(match[2]))


def _hours_refused(message: str, field: str) -> CalendarError:
    return CalendarError(message, field=field, code="SERVICE_HOURS")


def _days_refused(message: str, field: str) -> CalendarError:
    return CalendarError(message, field=field, code="CALENDAR_DAYS")


def _source_refused(message: str, field: str) -> CalendarError:
    return CalendarError(message, field=field, code="CALENDAR_SOURCE")
