"""Price a discount by hand: ``python -m rongtong.price --face 1000000.00 --rate 2.0 --discount-date … --maturity …``.

The same arithmetic and the same calendar of legal working days as the platform's own, without network or account.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from rongtong.adapters.calendars import legal_calendar
from rongtong.domain.errors import InvalidInputError, PriceError, RongTongError, SubBillRangeError
from rongtong.domain.interest import BASES, Fee, InterestPayer, Price, RateType, price
from rongtong.domain.interest_period import OTHER_CITY_DAYS, ElectronicDelay, PaperDelay
from rongtong.domain.money import fen_to_yuan, yuan_to_fen
from rongtong.domain.sub_bill_range import SubBillRange, require_within_ceiling

_RATE_TYPES = {"annual": RateType.ANNUAL, "monthly": RateType.MONTHLY, "daily": RateType.DAILY}
_RATE_UNITS = {"annual": "% a year", "monthly": "‰ a month", "daily": "‱ a day"}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NUMBER = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)
_LABEL_WIDTH = 22


class DateFormatError(InvalidInputError):
    """A date is not written as a calendar day of ISO 8601."""

    code = "DATE_INVALID"


@dataclass(frozen=True)
class _Asked:
    face_fen: int
    range: SubBillRange | None
    rate: Decimal
    discount_date: date
    maturity: date
    fee_fen: int
    buyer_share: Decimal | None

    @property
    def amount_fen(self) -> int:
        """What is discounted: the range, or else the whole face."""
        return self.face_fen if self.range is None else self.range.amount_fen


def main(arguments: list[str] | None = None) -> int:
    """0 and the price, or 1 and the code of the refusal; argparse ends a usage error with 2."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.other_city and not options.paper:
        parser.error("--other-city is a rule of paper bills; add --paper or leave it out")
    try:
        asked = _read(options)
        made = _price(asked, options)
    except RongTongError as error:
        if options.json:
            print(_json({"refused": error.code, "field": error.field, "message": error.message}))
        else:
            print(f"REFUSED {error.code}: {error.message}")
        return 1
    print(_json(_document(asked, made, options)) if options.json else _text(asked, made, options))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rongtong.price", description="Price the discount of a bill.")
    parser.add_argument("--face", required=True, metavar="YUAN", help="face amount, like 1000000.00")
    parser.add_argument("--rate", required=True, help="the rate, in the unit of --rate-type")
    parser.add_argument(
        "--rate-type", choices=sorted(_RATE_TYPES), default="annual", help="%% a year, ‰ a month, ‱ a day"
    )
    parser.add_argument("--discount-date", required=True, metavar="DATE", help="like 2026-03-02; counts as a day")
    parser.add_argument("--maturity", required=True, metavar="DATE", help="like 2026-05-31; does not count as a day")
    parser.add_argument(
        "--range",
        metavar="A-B",
        help="the part of the package that is discounted, in units of one fen; 0 for all of it",
    )
    parser.add_argument("--fee", default="0", metavar="YUAN", help="charged beside the interest")
    parser.add_argument("--buyer-share", metavar="PERCENT", help="the part of the interest that the buyer pays")
    parser.add_argument("--paper", action="store_true", help="a paper bill")
    parser.add_argument(
        "--other-city", action="store_true", help=f"payable in another city: {OTHER_CITY_DAYS} days more"
    )
    parser.add_argument("--no-roll", action="store_true", help="keep a maturity that is no legal working day")
    parser.add_argument("--extra-days", type=int, default=0, metavar="N", help="days added to the interest days")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _read(options: argparse.Namespace) -> _Asked:
    face_fen = _fen(options.face, "face_fen", "FACE_INVALID")
    asked = _Asked(
        face_fen=face_fen,
        range=None if options.range is None else SubBillRange.parse(options.range, whole_fen=face_fen),
        rate=_decimal(options.rate, "annual_rate", "RATE_INVALID"),
        discount_date=_date(options.discount_date, "discount_date"),
        maturity=_date(options.maturity, "maturity_date"),
        fee_fen=_fen(options.fee, "fee", "FEE_INVALID"),
        buyer_share=None
        if options.buyer_share is None
        else _decimal(options.buyer_share, "interest.buyer_share_percent", "BUYER_SHARE_INVALID"),
    )
    if asked.range is None:
        return asked
    require_within_ceiling(asked.range)
    if asked.amount_fen != asked.face_fen and asked.range.end > asked.face_fen:
        raise SubBillRangeError(
            f"The package has the units 1 to {asked.face_fen}; name a range within them, or that range's own amount.",
            field="bill.range",
            code="RANGE_OUTSIDE_HOLDING",
        )
    return asked


def _price(asked: _Asked, options: argparse.Namespace) -> Price:
    return price(
        asked.amount_fen,
        asked.rate,
        asked.discount_date,
        asked.maturity,
        legal_calendar(),
        options.extra_days,
        rate_type=_RATE_TYPES[options.rate_type],
        delay=_delay(options),
        payer=InterestPayer.SELLER if asked.buyer_share is None else InterestPayer.AGREEMENT,
        buyer_share=asked.buyer_share,
        fee=Fee(flat_fen=asked.fee_fen),
    )


def _delay(options: argparse.Namespace) -> ElectronicDelay | PaperDelay:
    if options.other_city:
        return PaperDelay.OTHER_CITY if options.no_roll else PaperDelay.HOLIDAYS_THEN_OTHER_CITY
    if options.paper:
        return PaperDelay.NONE if options.no_roll else PaperDelay.HOLIDAYS
    return ElectronicDelay.NONE if options.no_roll else ElectronicDelay.ROLL_HOLIDAYS


def _document(asked: _Asked, made: Price, options: argparse.Namespace) -> dict[str, Any]:
    document = {
        "face": fen_to_yuan(asked.face_fen),
        "amount": fen_to_yuan(asked.amount_fen),
        "rate": options.rate,
        "rate_type": options.rate_type,
        "discount_date": asked.discount_date.isoformat(),
        "maturity": asked.maturity.isoformat(),
        "effective_maturity": made.effective_maturity.isoformat(),
        "days": made.days,
        "interest": fen_to_yuan(made.interest_fen),
        "proceeds": fen_to_yuan(made.proceeds_fen),
        "fee": fen_to_yuan(made.fee_fen),
        "seller_interest": fen_to_yuan(made.seller_interest_fen),
        "buyer_interest": fen_to_yuan(made.buyer_interest_fen),
        "interest_fen": made.interest_fen,
        "proceeds_fen": made.proceeds_fen,
    }
    if asked.range is not None:
        document["range"] = asked.range.display()
    return document


def _text(asked: _Asked, made: Price, options: argparse.Namespace) -> str:
    amount, whole = fen_to_yuan(asked.amount_fen), fen_to_yuan(made.interest_fen)
    rolled = "" if made.effective_maturity == asked.maturity else ", the next legal working day"
    added = made.days - (made.effective_maturity - asked.discount_date).days
    lines = [("Face", f"{fen_to_yuan(asked.face_fen)} yuan")]
    if asked.range is not None:
        units = "the whole package" if asked.range.whole else asked.range.display()
        lines.append(("Range", f"{units}, {amount} yuan"))
    lines += [
        ("Rate", f"{options.rate} {_RATE_UNITS[options.rate_type]}"),
        ("Discount date", asked.discount_date.isoformat()),
        ("Maturity", asked.maturity.isoformat()),
        ("Effective maturity", f"{made.effective_maturity.isoformat()}{rolled}"),
        ("Days", f"{made.days}, of them {added} added" if added else str(made.days)),
        ("Interest", f"{whole} yuan"),
    ]
    if made.buyer_interest_fen:
        lines.append(("  paid by the buyer", f"{fen_to_yuan(made.buyer_interest_fen)} yuan"))
        lines.append(("  paid by the seller", f"{fen_to_yuan(made.seller_interest_fen)} yuan"))
    if made.fee_fen:
        lines.append(("Fee", f"{fen_to_yuan(made.fee_fen)} yuan"))
    lines.append(("Proceeds", f"{fen_to_yuan(made.proceeds_fen)} yuan"))
    table = [f"{label:<{_LABEL_WIDTH}}{value}" for label, value in lines]
    base = BASES[_RATE_TYPES[options.rate_type]]
    seller, fee = fen_to_yuan(made.seller_interest_fen), fen_to_yuan(made.fee_fen)
    return "\n".join(
        [
            *table,
            "",
            f"interest = {amount} × {options.rate} × {made.days} / {base} = {whole}",
            f"proceeds = {amount} − {seller}{f' − {fee}' if made.fee_fen else ''} = {fen_to_yuan(made.proceeds_fen)}",
        ]
    )


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False)


def _fen(text: str, field: str, code: str) -> int:
    try:
        return yuan_to_fen(text)
    except InvalidInputError as error:
        raise PriceError(error.message, field=field, code=code) from error


def _decimal(text: str, field: str, code: str) -> Decimal:
    if _NUMBER.fullmatch(text) is None:
        raise PriceError(f"{text!r} is no number; write it like 1.35, without a sign.", field=field, code=code)
    return Decimal(text)


def _date(text: str, field: str) -> date:
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise DateFormatError(f"{text!r} is no calendar day; write it like 2026-03-02.", field=field)


if __name__ == "__main__":
    sys.exit(main())
