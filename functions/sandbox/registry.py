"""The bill registry: holdings of a package, and the locks and endorsements that a discount puts on their ranges."""

from __future__ import annotations

from book import Book, Document

from rongtong.domain.errors import RongTongError
from rongtong.domain.sub_bill_range import SubBillRange

_FREE = ("CS03", "TF0301", "RS00")


class RefusedError(RongTongError):
    """The registry does not take this step now."""

    code = "REGISTRY_REFUSED"


def seed_holding(book: Book, bill: Document) -> None:
    """Add a holding to its package; one of the same range is replaced, with whatever was locked in it."""

    def add(package: Document) -> Document:
        wire = str(bill["range"])
        holdings = {**package.get("holdings", {}), wire: bill}
        taken = {at: lock for at, lock in package.get("taken", {}).items() if not _overlap(at, wire)}
        return {"holdings": holdings, "taken": taken}

    book.change("package", str(bill["number"]), add)


def holding_with(book: Book, number: str, wire: str) -> Document | None:
    """The holding that contains the range, as it stands after what was locked and endorsed; None if none does."""
    package = book.get("package", number)
    if package is None:
        return None
    # A range that no single holding contains is answered by the one it begins in: the asker sees what is held.
    found = _containing(package, wire) or _beginning(package, wire)
    locks = _taken(package, wire)
    if found is None or not locks:
        return found
    return {**found, "holder": locks[0]["endorsee"]} if "endorsee" in locks[0] else {**found, "circulation": "TF0302"}


def step(book: Book, number: str, wire: str, name: str, body: Document) -> None:
    """Lock, endorse or release a range for ``owner``. Raises RefusedError; the owner's repeat is no change."""
    owner = str(body["owner"])

    def edit(package: Document) -> Document:
        others = [lock for lock in _taken(package, wire) if lock["owner"] != owner]
        own = package.get("taken", {}).get(wire)
        if name == "lock":
            return _locked(package, wire, body, refused=bool(others), again=own is not None)
        if name == "endorse":
            if own is None or own["owner"] != owner:
                raise RefusedError("Lock the range first.")
            return _with(package, wire, {"owner": owner, "endorsee": body["endorsee"]})
        if name == "release":
            return _without(package, wire) if own and own["owner"] == owner and "endorsee" not in own else package
        raise RefusedError("A step is lock, endorse or release.")

    book.change("package", number, edit)


def _locked(package: Document, wire: str, body: Document, *, refused: bool, again: bool) -> Document:
    if again and not refused:
        return package
    holding = _containing(package, wire)
    if refused or holding is None or (holding["status"], holding["circulation"], holding["risk"]) != _FREE:
        raise RefusedError("The range is locked by another application, or does not circulate.")
    if holding["holder"]["uscc"] != body["holder_uscc"]:
        raise RefusedError("Another company holds the range.")
    return _with(package, wire, {"owner": body["owner"]})


def _with(package: Document, wire: str, lock: Document) -> Document:
    return {**package, "taken": {**package.get("taken", {}), wire: lock}}


def _without(package: Document, wire: str) -> Document:
    return {**package, "taken": {at: lock for at, lock in package["taken"].items() if at != wire}}


def _taken(package: Document, wire: str) -> list[Document]:
    return [lock for at, lock in package.get("taken", {}).items() if _overlap(at, wire)]


def _containing(package: Document, wire: str) -> Document | None:
    asked = SubBillRange.parse(wire)
    for at, holding in package.get("holdings", {}).items():
        if SubBillRange.parse(at).contains(asked):
            return dict(holding)
    return None


def _beginning(package: Document, wire: str) -> Document | None:
    asked = SubBillRange.parse(wire)
    for at, holding in package.get("holdings", {}).items():
        if SubBillRange.parse(at).overlaps(SubBillRange(asked.start, asked.start)):
            return dict(holding)
    return None


def _overlap(left: str, right: str) -> bool:
    return SubBillRange.parse(left).overlaps(SubBillRange.parse(right))
