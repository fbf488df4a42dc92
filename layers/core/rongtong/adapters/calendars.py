"""The legal working days, from the published yearly notices as the `chinesecalendar` package holds them."""

from __future__ import annotations

from chinese_calendar.constants import holidays, workdays

from rongtong.domain.calendar import WorkingCalendar, YearCalendar


def legal_calendar() -> WorkingCalendar:
    """Every year that the package knows; any other year is refused by the calendar itself."""
    years = {day.year for day in holidays}
    return WorkingCalendar(
        {
            year: YearCalendar(
                year=year,
                off_weekdays=frozenset(day for day in holidays if day.year == year and day.weekday() < 5),
                working_weekends=frozenset(day for day in workdays if day.year == year and day.weekday() >= 5),
            )
            for year in years
        }
    )
