"""What an institution sees and changes of itself: rates and limit, by two of its own persons, and nobody else's.

The changes are those of services/changes.py; here it is held which of them an institution's persons may make.
"""

from __future__ import annotations

from collections.abc import Callable

from rongtong.domain.rates import NoRateError, table_in_force
from rongtong.services import changes
from rongtong.services.configuration import ChangeContentError
from rongtong.services.context import Context
from rongtong.services.records import STATE, exposure_pk, institution_pk
from rongtong.services.reservations import USED
from rongtong.services.settings import fee_of, institution_of, rate_tables_of
from rongtong.services.storage import Document, Item

_OWN_TERMS = frozenset({"limit_fen", "fee"})
"""What of its own record an institution changes by itself. How it settles and until when its bank pays is agreed with
the platform, and whether buyers may pay is a contract: operations change those."""


def terms(context: Context, institution_id: str) -> Document:
    """The institution's rates in every version, its fee, its limit and what is taken of it (fen).

    Raises InstitutionUnknownError.
    """
    institution = institution_of(context.store.get(institution_pk(institution_id), STATE))
    limit_fen, used_fen = int(institution["limit_fen"]), context.store.counter(*_used(institution_id))
    fee = fee_of(institution)
    shown: Document = {
        "institution_id": institution_id,
        "limit": {"limit_fen": limit_fen, "used_fen": used_fen, "free_fen": max(limit_fen - used_fen, 0)},
        "fee": {"flat_fen": fee.flat_fen, "per_million": fee.per_million},
        "rate_tables": list(institution.get("rate_tables", ())),
    }
    try:
        shown["version_in_force"] = table_in_force(rate_tables_of(institution), context.clock.now()).version
    except NoRateError:
        shown["version_in_force"] = None
    return shown


def propose_rates(context: Context, institution_id: str, maker: str, key: str, table: Document) -> Document:
    """Propose a rate table with a version above all earlier ones; another person of the institution approves it.

    A repeat answers what exists. Raises RateTableError, IdempotencyMismatchError.
    """
    content: Document = {"institution_id": institution_id, "table": table}
    return changes.propose(context, maker, key, "rate_table", content, institution_id=institution_id)


def propose_terms(context: Context, institution_id: str, maker: str, key: str, own: Document) -> Document:
    """Propose another ``limit_fen`` or ``fee``; another person of the institution approves it.

    A limit below what is taken of it stops new discounts and touches none that exist. A repeat answers what exists.
    Raises ChangeContentError, IdempotencyMismatchError.
    """
    if not own or set(own) - _OWN_TERMS:
        raise ChangeContentError(f"Send one or more of {', '.join(sorted(_OWN_TERMS))}.", field="body")
    content: Document = {**own, "institution_id": institution_id}
    return changes.propose(context, maker, key, "institution", content, institution_id=institution_id)


def proposals(context: Context, institution_id: str) -> list[Document]:
    """The newest changes that the institution's persons proposed, whatever became of them."""
    return changes.newest(context, institution_id=institution_id)


def decide(
    context: Context,
    institution_id: str,
    checker: str,
    proposal: Item,
    *,
    approve: bool,
    expect: Callable[[Document], None] = lambda _: None,
) -> Document:
    """The second person's decision, as ``changes.decide`` makes it, on a change of the same institution's persons."""
    change_id = str(proposal.body["change_id"])
    return changes.decide(context, checker, change_id, approve=approve, institution_id=institution_id, expect=expect)


def _used(institution_id: str) -> tuple[str, str]:
    return exposure_pk(f"institution#{institution_id}"), USED
