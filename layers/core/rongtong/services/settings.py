"""What operations configure and the use cases read: risk policy, institutions with their rates and limits."""

from __future__ import annotations

from decimal import Decimal

from rongtong.domain.eligibility import Policy
from rongtong.services.errors import InstitutionUnknownError, NoRateError
from rongtong.services.records import PLATFORM_PK
from rongtong.services.storage import Document, Item

POLICY_KEY = (PLATFORM_PK, "policy")


def policy_of(item: Item | None) -> Policy:
    """The risk policy in force, from its record; the default for whatever it does not name."""
    body: Document = {} if item is None else item.body
    default = Policy()
    return Policy(
        blocked_usccs=frozenset(body.get("blocked_usccs", ())),
        blocked_acceptors=frozenset(body.get("blocked_acceptors", ())),
        overdue_acceptors=frozenset(body.get("overdue_acceptors", ())),
        grey_usccs=frozenset(body.get("grey_usccs", ())),
        review_amount_fen=int(body.get("review_amount_fen", default.review_amount_fen)),
        max_endorsements=int(body.get("max_endorsements", default.max_endorsements)),
        tenor_months=int(body.get("tenor_months", default.tenor_months)),
        new_acceptor_classes=frozenset(body.get("new_acceptor_classes", default.new_acceptor_classes)),
    )


def institution_of(item: Item | None) -> Document:
    """The institution, from its record. Raises InstitutionUnknownError when there is none."""
    if item is None:
        raise InstitutionUnknownError(
            "No such institution; choose one of those agreed with your platform.", field="institution_id"
        )
    return item.body


def rate_for(institution: Document, acceptor_class: str, days: int) -> Decimal:
    """Percent per year from the institution's table: the shortest band that holds ``days``. Raises NoRateError."""
    bands = [
        (int(row["max_days"]), Decimal(str(row["annual_rate"])))
        for row in institution["rates"]
        if row["acceptor_class"] == acceptor_class and days <= int(row["max_days"])
    ]
    if not bands:
        raise NoRateError(
            f"{institution['institution_id']} quotes no rate for acceptor class {acceptor_class}, {days} days."
        )
    return min(bands)[1]
