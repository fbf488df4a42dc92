"""How long what was found ahead of time is good, and which of it a discount may rely on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from rongtong.domain.errors import InvalidInputError

_MINUTES_LEAST, _MINUTES_MOST = 15, 24 * 60
_REFUSED = 6
_FIELD = "prequalification"


class FreshnessError(InvalidInputError):
    """Lifetimes that cannot be read; ``field`` names the one."""

    code = "PREQUALIFICATION"


class BillStatus(StrEnum):
    """What is known ahead of time of an imported bill."""

    IMPORTED = "IMPORTED"
    """Not verified yet."""
    QUALIFIED = "QUALIFIED"
    REVIEW = "REVIEW"
    """A discount of it would go to a person first."""
    NOT_QUALIFIED = "NOT_QUALIFIED"
    MATURED = "MATURED"


OUTCOMES: Mapping[str, BillStatus] = {
    "approve": BillStatus.QUALIFIED,
    "review": BillStatus.REVIEW,
    "reject": BillStatus.NOT_QUALIFIED,
}
"""By the verdict of the checks."""


@dataclass(frozen=True)
class Freshness:
    """Minutes for which each part is good (assumed: configurable), 15 to 1,440.

    A discount relies on the invoice alone, for what the tax authority said of it; the registry, the lists and the
    limits are asked again in every case, so their lifetimes say only when the platform looks again by itself.
    """

    registry_minutes: int = 60
    lists_minutes: int = 60
    limits_minutes: int = 15
    invoice_minutes: int = 240

    @classmethod
    def parse(cls, document: object, base: Freshness) -> Freshness:
        """The lifetimes that a document names, on top of ``base``. Raises FreshnessError."""
        names = {one.name for one in fields(cls)}
        if not isinstance(document, Mapping) or set(document) - names:
            raise FreshnessError(f"{_FIELD} is an object of {', '.join(sorted(names))}.", field=_FIELD)
        for name, value in document.items():
            if type(value) is not int or not _MINUTES_LEAST <= value <= _MINUTES_MOST:
                raise FreshnessError(
                    f"{name} is a whole number of minutes from {_MINUTES_LEAST} to {_MINUTES_MOST}.",
                    field=f"{_FIELD}.{name}",
                )
        return replace(base, **document)

    def tightened(self, base: Freshness) -> Freshness:
        """A tenant's, where none is longer than the platform's."""
        shorter: dict[str, Any] = {
            one.name: min(getattr(self, one.name), getattr(base, one.name)) for one in fields(self)
        }
        return Freshness(**shorter)

    def until(self, checked_at: datetime) -> dict[str, datetime]:
        """Until when each part of what was found at this instant is good."""
        return {
            one.name.removesuffix("_minutes"): checked_at + timedelta(minutes=getattr(self, one.name))
            for one in fields(self)
        }

    def again(self, checked_at: datetime, share: float, *, refused: bool) -> datetime:
        """When the platform looks again by itself: before what registry, lists or tax authority said is out of date.

        At a bill that was refused it looks less often. ``share`` (0 to 1) spreads bills that came together over the
        last quarter of that time.
        """
        minutes = min(self.registry_minutes, self.lists_minutes, self.invoice_minutes)
        return checked_at + timedelta(minutes=minutes * (_REFUSED if refused else 1) * (0.75 + 0.25 * share))
