"""The bill registry: holdings of a package, and the locks and endorsements that discounts put on their ranges.

A package's document keeps the seeded holdings (``holdings``, by range) and, in their order, the steps that stand
(``taken``, by owner: range, and endorsee once there is one); what is held now follows from both.
"""

from __future__ import annotations

from collections.abc import Callable

from book import Book, Document
from examples import bill_case, magic_holding

from rongtong.domain.errors import RongTongError
from rongtong.domain.package import Holding, HoldingState, Package
from rongtong.domain.sub_bill_range import SubBillRange

_FREE = ("CS03", "TF0301", "RS00")


class RefusedError(RongTongError):
    """The registry does not take this step now."""

    code = "REGISTRY_REFUSED"


def seed_holding(book: Book, bill: Document) -> None:
    """Add a holding to its package; those that it overlaps are replaced, with whatever was locked in them."""
    rng = SubBillRange.parse(str(bill["range"]))

    def add(package: Document) -> Document:
        seeded, taken = package.get("holdings", {}), package.get("taken", {})
        kept = {wire: held for wire, held in seeded.items() if not rng.overlaps(SubBillRange.parse(wire))}
        places = [SubBillRange.parse(wire) for wire in kept]
        left = {owner: lock for owner, lock in taken.items() if any(place.contains(_range(lock)) for place in places)}
        return {"holdings": {**kept, rng.wire(): bill}, "taken": left}

    book.change("package", str(bill["number"]), add)


def holding_with(book: Book, number: str, wire: str) -> Document | None:
    """The holding that contains the range, as it stands after what was locked and endorsed; None if none does."""
    package = _package(book.get("package", number), number)
    if not package:
        return None
    # A range that no single holding contains is answered by the one it begins in: the asker sees what is held.
    held = _standing(package, number).holding_of(SubBillRange.parse(wire))
    return None if held is None else _shown(package, held)


def step(book: Book, number: str, wire: str, name: str, body: Document) -> None:
    """Lock, endorse or release a range for ``owner``; the owner's repeat is no change.

    Raises RefusedError, PackageError.
    """
    owner = str(body["owner"])
    lock = {"range": wire}
    case = bill_case(number)
    if name == "lock" and case is not None and case.lock_refused:
        raise RefusedError("Another application was first.")

    def edit(stored: Document) -> Document:
        package = _package(stored, number)
        taken = dict(package.get("taken", {}))
        if name == "lock":
            if not _may_lock(package, number, wire, body):
                return package
            taken[owner] = lock
        elif name == "endorse":
            if taken.get(owner, {}).get("range") != wire:
                raise RefusedError("Lock the range first.")
            taken[owner] = {**lock, "endorsee": body["endorsee"]}
        elif name == "release":
            if taken.get(owner) == lock:
                del taken[owner]
        else:
            raise RefusedError("A step is lock, endorse or release.")
        return {**package, "taken": taken}

    book.change("package", number, edit)


def applications(book: Book) -> list[Document]:
    """Locks that stand and lead to no endorsement yet: ``number``, ``range`` and ``owner``."""
    return [
        {"number": number, "range": lock["range"], "owner": owner}
        for number, package in book.named("package")
        for owner, lock in package.get("taken", {}).items()
        if "endorsee" not in lock
    ]


def settle(book: Book, number: str, wire: str, body: Document, pay: Callable[[Document], Document]) -> Document:
    """Let range and money change hands together; a repeat of the reference answers what became of the first.

    ``pay`` books the money and says what became of it. Raises RefusedError without the owner's lock.
    """
    owner, reference = str(body["owner"]), str(body["order"]["reference"])
    known = book.get("settlement", reference)
    if known is not None:
        return known
    package = book.get("package", number) or {}
    if package.get("taken", {}).get(owner) != {"range": wire}:
        raise RefusedError("Lock the range first.")
    answer = book.create("settlement", reference, pay(body["order"]))
    if answer["status"] == "SUCCEEDED":
        step(book, number, wire, "endorse", body)
    else:
        step(book, number, wire, "release", body)
    return answer


def _package(stored: Document | None, number: str) -> Document:
    """A package as it is kept, or as a magic number says that it is; empty where there is none."""
    if stored:
        return stored
    bill = magic_holding(number)
    return {} if bill is None else {"holdings": {SubBillRange.parse(str(bill["range"])).wire(): bill}, "taken": {}}


def _may_lock(package: Document, number: str, wire: str, body: Document) -> bool:
    """Whether the lock is new and allowed; False for the owner's repeat. Raises RefusedError, PackageError."""
    rng, standing = SubBillRange.parse(wire), _standing(package, number)
    if standing.lock(rng, str(body["owner"])) == standing:
        return False
    held = standing.holding_of(rng)
    assert held is not None, "a range that can be locked is held"
    bill = _seeded(package, held.range)
    if (bill["status"], bill["circulation"], bill["risk"]) != _FREE:
        raise RefusedError("The range does not circulate.")
    if held.holder != body["holder_uscc"]:
        raise RefusedError("Another company holds the range.")
    return True


def _standing(package: Document, number: str) -> Package:
    """The package after every step that stands."""
    bills = package.get("holdings", {})
    holdings = [Holding(SubBillRange.parse(at), str(bill["holder"]["uscc"]), source=at) for at, bill in bills.items()]
    standing = Package(number, all(bill["splittable"] is True for bill in bills.values()), tuple(holdings))
    for owner, lock in package.get("taken", {}).items():
        standing = standing.lock(_range(lock), owner)
        if "endorsee" in lock:
            standing = standing.endorse(owner, str(lock["endorsee"]["uscc"]))
    return standing


def _shown(package: Document, held: Holding) -> Document:
    """The seeded holding, with what has become of this piece of it; a piece is a holding of its own (hldrId)."""
    bill, wire = _seeded(package, held.range), held.range.wire()
    if SubBillRange.parse(str(bill["range"])) != held.range:
        bill |= {"range": wire, "face_fen": held.range.amount_fen, "holding_id": f"{bill['holding_id']}/{wire}"}
    if held.state is HoldingState.LOCKED:
        bill["circulation"] = "TF0302"
    brought = package.get("taken", {}).get(held.source)
    return bill if brought is None else bill | {"holder": brought["endorsee"]}


def _seeded(package: Document, rng: SubBillRange) -> Document:
    holdings: Document = package["holdings"]
    return dict(next(bill for at, bill in holdings.items() if SubBillRange.parse(at).contains(rng)))


def _range(lock: Document) -> SubBillRange:
    return SubBillRange.parse(str(lock["range"]))
