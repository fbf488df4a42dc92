"""What an accepted discount holds until its end: its range, its part of the limits, its claim on the trade document.

Taken in the transaction that accepts it, given back in the transaction that ends it unpaid. Shared limits (acceptor,
group, institution, platform) are counters that the database itself refuses to overfill; where one enterprise or one
package meets is a document at the version that was read. Either way two requests never both take the last of anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from rongtong.domain.exposure import Counter, LimitExceededError, Limits, Turnover, counters
from rongtong.domain.package import TakenRanges
from rongtong.domain.sub_bill_range import SubBillRange
from rongtong.services.errors import BusyError
from rongtong.services.records import STATE, exposure_pk, invoice_pk, order_pk, package_pk
from rongtong.services.storage import Count, Create, Document, Item, Key, Write, WriteConflictError

USED = "used"


@dataclass(frozen=True)
class Holdings:
    """Whose, and of what, a discount holds something; amounts in fen."""

    discount_id: str
    applicant_uscc: str
    institution_id: str
    bill_number: str
    range: SubBillRange
    acceptor_bank_code: str
    acceptor_group: str | None
    invoice_number: str | None
    order_number: str
    face_fen: int
    on: date
    """The day in Shanghai on which it was accepted."""

    def keys(self) -> list[Key]:
        """The documents that are read before anything is taken or given back: package, turnover, order, invoice.

        Turnover is the company's, whichever partner platforms it comes through.
        """
        keys = [
            (package_pk(self.bill_number), STATE),
            (exposure_pk(f"enterprise#{self.applicant_uscc}"), USED),
            (order_pk(self.applicant_uscc, self.order_number), STATE),
        ]
        return keys if self.invoice_number is None else [*keys, (invoice_pk(self.invoice_number), STATE)]

    def take(
        self, found: list[Item | None], limits: Limits, institution_limit_fen: int | None, splits_max: int
    ) -> list[Write]:
        """The writes that take all of it, the shared counters first.

        ``found`` are the documents of ``keys``. Raises RangeTakenError, PackageError (RANGE_TOO_MANY_SPLITS),
        LimitExceededError (bill, enterprise).
        """
        package, turnover, *claims = found
        limits.require_bill(self.face_fen)
        taken = TakenRanges.from_document({} if package is None else package.body["ranges"])
        taken = taken.take(self.range, self.discount_id, self.applicant_uscc)
        taken.require_splits(splits_max)
        used = Turnover.from_document({} if turnover is None else turnover.body)
        used = used.add(self.face_fen, self.on, limits.enterprise_limits(self.applicant_uscc))
        at_package, at_turnover, *at_claims = self.keys()
        return [
            *[_count(counter, self.face_fen) for counter in self.counters(limits, institution_limit_fen)],
            _put(at_turnover, turnover, used.as_document()),
            _put(at_package, package, {"ranges": taken.as_document()}),
            *[_put(key, item, self._claimed(item)) for key, item in zip(at_claims, claims, strict=True)],
        ]

    def _claimed(self, item: Item | None) -> Document:
        listed = [] if item is None else item.body["claims"]
        return {"claims": [*listed, [self.discount_id, self.face_fen]]}

    def give_back(self, found: list[Item | None]) -> list[Write]:
        """The writes that give all of it back; ``found`` are the documents of ``keys``."""
        writes: list[Write] = [_count(counter, -self.face_fen) for counter in self.counters(Limits(), None)]
        package, turnover, *claims = found
        if turnover is not None:
            used = Turnover.from_document(turnover.body).give_back(self.face_fen, self.on)
            writes.append(turnover.replaced(used.as_document()))
        if package is not None:
            left = TakenRanges.from_document(package.body["ranges"]).give_back(self.discount_id)
            writes.append(package.replaced({"ranges": left.as_document()}))
        for item in claims:
            if item is not None:
                rest = [claim for claim in item.body["claims"] if claim[0] != self.discount_id]
                writes.append(item.replaced({"claims": rest}))
        return writes

    def require_room(
        self, conflict: WriteConflictError, limits: Limits, institution_limit_fen: int | None, *, first: int
    ) -> None:
        """Raises LimitExceededError for the first shared counter that refused; ``take`` began at position ``first``."""
        for at, counter in enumerate(self.counters(limits, institution_limit_fen), start=first):
            if at in conflict.failed:
                raise LimitExceededError.of_shared(counter.level) from conflict

    def counters(self, limits: Limits, institution_limit_fen: int | None) -> tuple[Counter, ...]:
        """The shared counters that the discount adds to, always the same ones whatever the limits are meanwhile."""
        return counters(
            limits,
            acceptor_code=self.acceptor_bank_code,
            acceptor_group=self.acceptor_group,
            institution_id=self.institution_id,
            institution_limit_fen=institution_limit_fen,
            day=self.on,
        )


def holdings_of(body: Document, request: Document, on: date) -> Holdings:
    """What the discount with this state and request took when it was accepted, on this day in Shanghai."""
    return Holdings(
        discount_id=str(body["discount_id"]),
        applicant_uscc=str(request["applicant_uscc"]),
        institution_id=str(body["institution_id"]),
        bill_number=str(body["bill_number"]),
        range=SubBillRange.parse(str(body["range"])),
        acceptor_bank_code=str(request["acceptor_bank_code"]),
        acceptor_group=body.get("acceptor_group"),
        invoice_number=request.get("invoice_number"),
        order_number=str(request["order_number"]),
        face_fen=int(body["face_fen"]),
        on=on,
    )


def claimed_fen(claims: Item | None, discount_id: str) -> int:
    """Fen of the discounts accepted on the trade document up to and with this one: who came first goes through.

    Raises BusyError when another worker gave the discount up meanwhile.
    """
    assert claims is not None, "acceptance notes every discount on its trade document"
    listed = claims.body["claims"]
    own = next((at for at, claim in enumerate(listed) if claim[0] == discount_id), None)
    if own is None:
        raise BusyError("The discount was given up while it was verified; run the same task again.")
    return sum(int(amount) for _, amount in listed[: own + 1])


def _count(counter: Counter, amount_fen: int) -> Count:
    return Count(exposure_pk(counter.key), USED, amount_fen, counter.limit_fen)


def _put(key: Key, found: Item | None, body: Document) -> Write:
    return Create(*key, body) if found is None else found.replaced(body)
