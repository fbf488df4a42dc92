"""Changes that take two persons (双人复核): one proposes, another approves, and only then is the record changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rongtong.domain.canonical import canonical_bytes
from rongtong.domain.lifecycle import ChangeStatus, require_change_transition
from rongtong.domain.two_persons import require_two_persons
from rongtong.services.configuration import KINDS, Approval, ChangeContentError, ChangeKind
from rongtong.services.context import Context
from rongtong.services.errors import (
    BusyError,
    ChangeStaleError,
    IdempotencyMismatchError,
    NotFoundError,
    WrongStateError,
)
from rongtong.services.records import STATE, change_pk, change_writes, derived_id, first_writes, iso
from rongtong.services.storage import Create, Document, Item, Listing, Write, WriteConflictError

_ATTEMPTS = 5
_LIST = "changes"
_EVER = "0"
"""Before any instant; an empty sort key is none to DynamoDB."""
_HIDDEN = frozenset({"events", "base_version", "logged", "put_off"})


def propose(
    context: Context, maker: str, key: str, kind: str, content: Document, *, institution_id: str | None = None
) -> Document:
    """Record a change that another person must approve; nothing else changes yet. A repeat answers what exists.

    ``institution_id`` says whose persons make it, where they are not the platform's: it is theirs alone to see in their
    list and to decide. Raises ChangeContentError for an unknown kind, the content's own errors,
    IdempotencyMismatchError.
    """
    prepared = _kind(kind).prepare(content)
    target = context.store.get(*_kind(kind).key(prepared))
    change_id = derived_id("chg", maker, key)
    now = context.clock.now()
    state: Document = {
        "change_id": change_id,
        "kind": kind,
        "content": prepared,
        "status": ChangeStatus.PROPOSED.value,
        "proposed_by": maker,
        "proposed_at": iso(now),
        "base_version": 0 if target is None else target.version,
        **({} if institution_id is None else {"institution_id": institution_id}),
    }
    data = {"kind": kind, "content": prepared, "by": maker}
    listing = Listing(_list(institution_id), iso(now), {"change_id": change_id})
    pk = change_pk(change_id)
    try:
        context.store.transact(
            first_writes(pk, "change_id", change_id, state, "ChangeProposed", now, data, listing, by=context.initiator)
        )
    except WriteConflictError:
        known = _load(context, change_id)
        if (known.body["kind"], canonical_bytes(known.body["content"])) != (kind, canonical_bytes(prepared)):
            raise IdempotencyMismatchError(
                "This Idempotency-Key was used with another change; use a new key for a new one.",
                field="Idempotency-Key",
            ) from None
        return _view(known.body)
    return _view({**state, "events": 1})


def decide(
    context: Context,
    checker: str,
    change_id: str,
    *,
    approve: bool,
    institution_id: str | None = None,
    expect: Callable[[Document], None] = lambda _: None,
) -> Document:
    """Approve or reject; an approval changes the record in the same transaction. The same decision again is no change.

    ``expect`` is given the change as it is shown just before it is decided, and may raise what keeps it from that.
    Who proposed may withdraw it by a rejection. Raises NotFoundError, also where persons of another house made it than
    ``institution_id`` says, SamePersonError, WrongStateError when it was decided otherwise, ChangeStaleError, and the
    content's own errors when it does not fit the record any more.
    """
    wanted = ChangeStatus.APPROVED if approve else ChangeStatus.REJECTED
    for _ in range(_ATTEMPTS):
        item = _load(context, change_id)
        if item.body.get("institution_id") != institution_id:
            raise _unknown()
        if item.body["status"] == wanted and item.body["decided_by"] == checker:
            return _view(item.body)
        expect(_view(item.body))
        if item.body["status"] != ChangeStatus.PROPOSED:
            raise WrongStateError(f"The change is {item.body['status']} already.", field="decision")
        if approve:
            require_two_persons(str(item.body["proposed_by"]), checker)
        require_change_transition(ChangeStatus(item.body["status"]), wanted)
        try:
            context.store.transact(_decision(context, item, checker, wanted))
        except WriteConflictError:
            continue
        return _view(_load(context, change_id).body)
    raise BusyError("The record keeps changing; send the same decision again.")


def find(context: Context, change_id: str) -> Document:
    """One change. Raises NotFoundError."""
    return _view(_load(context, change_id).body)


def newest(context: Context, *, institution_id: str | None = None, most: int = 50) -> list[Document]:
    """The newest changes, whatever their status: the platform's own, or those of an institution's persons."""
    listed = context.store.listed(_list(institution_id), _EVER, most=most)
    ids = [str(listing.summary["change_id"]) for listing in listed]
    found = context.store.get_many([(change_pk(change_id), STATE) for change_id in ids]) if ids else []
    return [_view(item.body) for item in found if item is not None]


def changes_lists(institution_ids: Sequence[str]) -> list[str]:
    """Under whom changes are listed: the platform's own, and those of these institutions' persons."""
    return [_list(None), *(_list(institution_id) for institution_id in institution_ids)]


def _decision(context: Context, item: Item, checker: str, wanted: ChangeStatus) -> list[Write]:
    now = context.clock.now()
    changes: Document = {"status": wanted.value, "decided_by": checker, "decided_at": iso(now)}
    event = "ChangeApproved" if wanted is ChangeStatus.APPROVED else "ChangeRejected"
    writes: list[Write] = [
        *change_writes(item, "change_id", changes, event, now, {"by": checker}, by=context.initiator)
    ]
    if wanted is ChangeStatus.APPROVED:
        kind = _kind(str(item.body["kind"]))
        content: dict[str, Any] = kind.complete(context, item.body["content"])
        pk, sk = kind.key(content)
        current = context.store.get(pk, sk)
        if kind.whole and (0 if current is None else current.version) != item.body["base_version"]:
            raise ChangeStaleError(
                "The record was changed since this was proposed; propose it anew, on what holds now."
            )
        approval = Approval(str(item.body["proposed_by"]), checker, iso(now))
        body = kind.apply(None if current is None else current.body, content, approval)
        writes.append(Create(pk, sk, body) if current is None else current.replaced(body))
    return writes


def _kind(name: str) -> ChangeKind:
    if name not in KINDS:
        raise ChangeContentError(f"A change is one of {', '.join(sorted(KINDS))}.", field="kind")
    return KINDS[name]


def _load(context: Context, change_id: str) -> Item:
    item = context.store.get(change_pk(change_id), STATE)
    if item is None:
        raise _unknown()
    return item


def _unknown() -> NotFoundError:
    return NotFoundError("There is no such change; list the newest ones.", field="change_id")


def _list(institution_id: str | None) -> str:
    return _LIST if institution_id is None else f"{_LIST}#{institution_id}"


def _view(body: Document) -> Document:
    return {key: value for key, value in body.items() if key not in _HIDDEN}
