"""Legal working days (法定工作日) with adjusted weekends (调休), and service hours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from rongtong.domain.errors import CalendarError

SHANGHAI = ZoneInfo("Asia/Shanghai")
_SATURDAY = 5


@dataclass(frozen=True)
class YearCalendar:
    """One confirmed year: the weekdays that are off and the weekend days that are worked."""

    year: int
    off_weekdays: frozenset[date]
    working_weekends: frozenset[date]


class WorkingCalendar:
    """The confirmed years. A day of any other year is refused by name, never guessed."""

    def __init__(
        self, years: Mapping[int, YearCalendar], *, opens: time = time(9, 0), closes: time = time(17, 0)
    ) -> None:
        self._years = years
        self._opens = opens
        self._closes = closes

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

    def require_service_hours(self, instant: datetime) -> None:
        """Raises CalendarError (NOT_A_WORKING_DAY, OUT_OF_SERVICE_HOURS) outside 09:00 ≤ t < 17:00 of a working day."""
        local = instant.astimezone(SHANGHAI)
        if not self.is_working_day(local.date()):
            raise CalendarError(
                f"{local.date()} is no legal working day; send the request on the next one.",
                code="NOT_A_WORKING_DAY",
            )
        if not self._opens <= local.time() < self._closes:
            raise CalendarError(
                f"Discounts are accepted from {self._opens:%H:%M} to {self._closes:%H:%M} Asia/Shanghai; "
                f"it is {local:%H:%M}.",
                code="OUT_OF_SERVICE_HOURS",
            )
