"""What the API answers a supervisor, field by field: for its description and for tests alone."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rongtong.domain.rates import ACCEPTOR_CLASSES
from rongtong.domain.reasons import Stage
from rongtong.entrypoints.answers import Answer, Day, Fen, Instant, Sha256, example
from rongtong.entrypoints.answers_webhooks import Event

Leaf = Annotated[int, Field(ge=-1)]
Count = Annotated[int, Field(ge=0)]
AcceptorClass = Annotated[str, Field(pattern=f"^({'|'.join(sorted({*ACCEPTOR_CLASSES, 'other'}))})$")]
StageName = Annotated[str, Field(pattern=f"^({'|'.join(sorted({*[one.name.lower() for one in Stage], 'other'}))})$")]


class SupervisedEvent(Answer):
    """A leaf of the evidence log, and the public event that it is."""

    index: Annotated[int, Field(ge=0)]
    """The leaf's index in the log."""
    leaf_hash: Sha256
    """The leaf's hash in the log (RFC 6962): SHA-256 of 0x00 and the SHA-256 of salt and canonical event, which the
    discount's receipt has."""
    event: Event | None
    """What partners are told of it; null where its record is missing or is not what was logged."""


class SupervisedEvents(Answer):
    """Public events of every partner in the order of the evidence log, as far as a quorum has cosigned it."""

    events: list[SupervisedEvent]
    """At most as many as were asked for."""
    others: Count
    """So many leaves up to `after` are no public events."""
    after: Leaf
    """The last leaf that was looked at: send it as `after` to go on."""
    size: Count
    """So many leaves the cosigned log has."""
    more: bool
    """Whether there are leaves behind `after`."""


class FiguresPaid(Answer):
    """What was paid; what came back again is in it."""

    count: Count
    """Discounts."""
    face_fen: Fen
    """Their face."""
    interest_fen: Fen
    """The whole interest."""
    paid_fen: Fen
    """What was paid out."""
    returned_fen: Fen
    """What of that has come back."""


class FiguresRefused(Answer):
    """What ended unpaid at one stage."""

    stage: StageName
    """At which stage, by the reason code."""
    count: Count
    """Discounts."""
    face_fen: Fen
    """Their face."""


class FiguresOpen(Answer):
    """What has not ended."""

    count: Count
    """Discounts."""
    face_fen: Fen
    """Their face."""


class FiguresRow(Answer):
    """One institution's discounts on acceptors of one class."""

    institution_id: str
    """Who funds them."""
    acceptor_class: AcceptorClass
    """The class of their acceptors, as the directory has it now."""
    count: Count
    """Requested on the day: paid, refused and open together."""
    face_fen: Fen
    """Their face."""
    paid: FiguresPaid
    """What was paid."""
    refused: list[FiguresRefused]
    """What ended unpaid, by stage."""
    open: FiguresOpen
    """What has not ended."""


class SupervisedFigures(Answer):
    """What became of the discounts that were requested on a day, as it stands now."""

    model_config = example(
        day="2026-04-15",
        made_at="2026-04-15T10:00:00.000Z",
        institutions=["bank-1"],
        figures=[
            {
                "institution_id": "bank-1",
                "acceptor_class": "city",
                "count": 3,
                "face_fen": 400_000_000,
                "paid": {
                    "count": 2,
                    "face_fen": 345_000_000,
                    "interest_fen": 1_029_442,
                    "paid_fen": 343_970_558,
                    "returned_fen": 0,
                },
                "refused": [{"stage": "verification", "count": 1, "face_fen": 55_000_000}],
                "open": {"count": 0, "face_fen": 0},
            }
        ],
    )

    day: Day
    """The day in Shanghai."""
    made_at: Instant
    """When this answer was made."""
    institutions: list[str]
    """Whose discounts were counted: the institutions that the supervisor's record names."""
    figures: list[FiguresRow]
    """By institution and acceptor class; those without any discount are left out."""
