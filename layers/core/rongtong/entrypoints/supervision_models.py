"""Queries of a supervisor's routes."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from rongtong.entrypoints.models import IsoDate
from rongtong.entrypoints.queries import whole_number
from rongtong.services.supervision import EVENTS_MAX

LEAF_MAX = 10**12 - 1
"""The log names its batches with twelve digits."""


def _leaf_index(value: object) -> object:
    """As ``whole_number``, of as many digits as a leaf's index may have."""
    if not isinstance(value, str) or not re.fullmatch(r"0|[1-9][0-9]{0,11}", value, re.ASCII):
        raise ValueError("must be a whole number")
    return int(value)


class _Query(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class SupervisedEventsQuery(_Query):
    """GET /v1/supervision/events"""

    after: Annotated[int, Field(ge=0, le=LEAF_MAX), BeforeValidator(_leaf_index)] | None = None
    """`after` of the answer before: the last leaf that is known already; from the log's first leaf on, if not said."""
    limit: Annotated[int, Field(ge=1, le=EVENTS_MAX), BeforeValidator(whole_number)] = EVENTS_MAX
    """At most so many events."""


class FiguresQuery(_Query):
    """GET /v1/supervision/figures"""

    day: IsoDate
    """The day in Shanghai on which the discounts were requested."""
