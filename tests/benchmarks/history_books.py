"""Writes a synthetic history's deals: the books' rows, what the log holds of them, what bank and registry say."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from history_deals import Deal, company_code, enterprise_id, partner_of
from history_outside import Outside
from history_shapes import End, Shape, Values, shapes
from rongtong.domain.bill_number import check_digit
from rongtong.domain.calendar import SHANGHAI
from rongtong.domain.exposure import EnterpriseLimits, Turnover
from rongtong.domain.incident import IncidentKind
from rongtong.domain.payment import PaymentStatus, payment_reference
from rongtong.services.incidents import incident_id
from rongtong.services.records import derived_id, exposure_pk, iso
from rongtong.services.reservations import USED
from rongtong.services.storage import Create, Document
from sqlite_store import Row, row_of

_INSTITUTIONS = ("bank-1", "bank-2", "bank-3")
_ACCEPTORS = (
    ("322290000011", "示例承兑行322290", "rural"),
    ("313100000013", "示例承兑行313100", "city"),
    ("308584000013", "示例承兑行308584", "state_joint"),
)
_CIRCULATING: Document = {
    "kind": "AC01",
    "status": "CS03",
    "circulation": "TF0301",
    "risk": "RS00",
    "endorsement_mark": "EM00",
    "splittable": True,
    "disclosure": "consistent",
}
_TENOR_DAYS = 170
_UNPAID = frozenset({End.REFUSED, End.REUSED, End.FAILED})
_BACK = timedelta(days=2, hours=1)


class Books:
    """What is written of each deal, in the order of time; keeps the sums that deals share.

    ``institutions`` are their records, for what the bills' next holder is called.
    """

    def __init__(self, institutions: Mapping[str, Document], outside: Outside, seed: int) -> None:
        self._of_deal, self._of_enterprise = shapes()
        self._institutions, self._outside = institutions, outside
        self._chance = random.Random(seed)
        self._counters: Counter[str] = Counter()
        self._turnovers: dict[str, Turnover] = {}
        self.leaves = 0

    def enterprise(self, number: int, at: datetime) -> tuple[list[Row], list[bytes]]:
        """A company that registers at this instant: its rows and its leaves' data."""
        values: Values = {
            "enterprise_id": enterprise_id(number),
            "applicant": company_code(number),
            "name": f"示例企业{number:04d}号有限公司",
            "partner": partner_of(number),
            "at": iso(at),
        }
        return self._filled(self._of_enterprise, values)

    def discount(self, deal: Deal, number: int) -> tuple[list[Row], list[bytes]]:
        """The same of a deal with this number; what bank and registry know of it is written beside."""
        day = deal.at.astimezone(SHANGHAI).date()
        values = self._values(deal, number, day)
        taken = deal.end not in _UNPAID
        self._count(deal, values, day, taken=taken)
        self._tell_outside(deal, values, day, taken=taken)
        filled, leaves = self._filled(self._of_deal[deal.end], values)
        if deal.invoice is not None:
            # The invoice's record is that of the deal which used it first.
            filled = [row for row in filled if not row[0].startswith("invoice#")]
        return filled, leaves

    def sums(self) -> Iterable[Row]:
        """The counters and turnovers as all deals have left them."""
        for owner, fen in self._counters.items():
            yield (exposure_pk(owner), USED, None, None, fen, *[None] * 8)
        for uscc, turnover in self._turnovers.items():
            yield row_of(Create(exposure_pk(f"enterprise#{uscc}"), USED, turnover.as_document()))

    def _values(self, deal: Deal, number: int, day: date) -> Values:
        own_id = derived_id("dsc", partner_of(deal.company), f"history-{number}")
        code, name, _ = _ACCEPTORS[number % len(_ACCEPTORS)]
        issued = day - timedelta(days=deal.held_days)
        matures = issued + timedelta(days=_TENOR_DAYS)
        days = (matures - day).days
        interest = deal.fen * 1525 * days // 36_000_000
        first29 = f"5{code}{issued:%Y%m%d}{number:08d}"
        return {
            "discount_id": own_id,
            "enterprise_id": enterprise_id(deal.company),
            "partner": partner_of(deal.company),
            "institution": _INSTITUTIONS[number % len(_INSTITUTIONS)],
            "applicant": company_code(deal.company),
            "number": first29 + check_digit(first29),
            "range": f"{1:012d}-{deal.fen:012d}",
            "amount_fen": str(deal.fen),
            "issue_date": issued.isoformat(),
            "maturity_date": matures.isoformat(),
            "due_date": matures.isoformat(),
            "days": str(days),
            "interest_fen": str(interest),
            "proceeds_fen": str(deal.fen - interest),
            "acceptor_bank_code": code,
            "acceptor": name,
            "order_number": f"PO-{number:08d}",
            "order_amount_fen": str(deal.fen + 2_000_000),
            "order_date": (issued - timedelta(days=20)).isoformat(),
            "order_buyer_uscc": deal.buyer,
            "invoice_number": deal.invoice or invoice_number(number),
            "holding_id": f"H-{number:09d}-1",
            "body_digest": self._hex(32),
            "contract_sha256": self._hex(64),
            "findings_sha256": self._hex(64),
            "note_sha256": self._hex(64),
            "reference": payment_reference(own_id, 1),
            "serial": f"SB{number}",
            "incident_id": incident_id(IncidentKind.PAYMENT_RETURNED, f"{own_id}/1"),
            "at": iso(deal.at),
            "back_at": iso(deal.at + _BACK),
            "day": day.isoformat(),
        }

    def _filled(self, shape: Shape, values: Values) -> tuple[list[Row], list[bytes]]:
        values |= {salt: self._hex(32) for salt in shape.salts}
        values |= {f"leaf{at}": str(self.leaves + at) for at in range(len(shape.leaves))}
        leaves = [hashlib.sha256(salt + event).digest() for salt, event in shape.leaf_bytes(values)]
        self.leaves += len(leaves)
        return shape.fill(values), leaves

    def _hex(self, digits: int) -> str:
        return f"{self._chance.getrandbits(4 * digits):0{digits}x}"

    def _count(self, deal: Deal, values: Values, day: date, *, taken: bool) -> None:
        owners = (
            f"acceptor#{values['acceptor_bank_code']}",
            f"institution#{values['institution']}",
            f"platform#{day.isoformat()}",
        )
        for owner in owners:
            self._counters[owner] += deal.fen if taken else 0
        turnover = self._turnovers.get(values["applicant"], Turnover()).add(deal.fen, day, EnterpriseLimits())
        self._turnovers[values["applicant"]] = turnover if taken else turnover.give_back(deal.fen, day)

    def _tell_outside(self, deal: Deal, values: Values, day: date, *, taken: bool) -> None:
        company = {"name": f"示例企业{deal.company:04d}号有限公司", "uscc": values["applicant"], "account": "1179"}
        drawer = {"name": "示例往来企业有限公司", "uscc": deal.buyer, "account": "3500"}
        institution = self._institutions[values["institution"]]
        endorsee = {name: str(institution[name]) for name in ("name", "uscc", "account")}
        passed = {"endorser": company, "endorsee": endorsee, "date": day.isoformat(), "kind": "ET05_01"}
        as_stated = ("number", "range", "issue_date", "maturity_date", "holding_id")
        self._outside.hold(
            {
                **_CIRCULATING,
                **{name: values[name] for name in as_stated},
                "face_fen": deal.fen,
                "acceptor": dict(zip(("bank_code", "name", "class"), _acceptor(values), strict=True)),
                "drawer": drawer,
                "payee": company,
                "endorsements": [passed] if taken else [],
                "holder": endorsee if taken else company,
            }
        )
        reference, fen, serial = values["reference"], int(values["proceeds_fen"]), values["serial"]
        if taken:
            self._outside.book(day.isoformat(), reference, fen, PaymentStatus.SUCCEEDED, serial)
        if deal.end is End.RETURNED:
            back = (deal.at + _BACK).astimezone(SHANGHAI).date()
            self._outside.book(back.isoformat(), reference, fen, PaymentStatus.RETURNED, serial)


def invoice_number(number: int) -> str:
    """The invoice of the deal with this number in the order of time."""
    return f"2635{number:016d}"


def _acceptor(values: Values) -> tuple[str, str, str]:
    return next(one for one in _ACCEPTORS if one[0] == values["acceptor_bank_code"])
