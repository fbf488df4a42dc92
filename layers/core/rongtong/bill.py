"""Read a bill number and a sub-bill range: ``python -m rongtong.bill NUMBER [--range A-B] [--json]``.

Tells what the number itself says, and whether a bill with such a number can be discounted at all. It asks nobody:
whether the bill exists, and in which state it is, only the bill registry knows.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from rongtong.domain.bill_codes import BillKind, BillMedium, BillOrigin
from rongtong.domain.bill_number import BillNumber, PaperBillNumber
from rongtong.domain.errors import InvalidInputError
from rongtong.domain.money import fen_to_yuan
from rongtong.domain.sub_bill_range import SubBillRange, require_within_ceiling

_PAPER_LENGTH = 16
_NAMES: dict[str, dict[str, str]] = {
    "medium": {BillMedium.PAPER: "paper", BillMedium.ELECTRONIC: "electronic"},
    "origin": {
        BillOrigin.PAPER: "paper bill (纸质票据)",
        BillOrigin.ECDS: "former system ECDS (传统电子票据)",
        BillOrigin.FINANCIAL_INSTITUTIONS: "new system, financial institutions (金融机构票据)",
        BillOrigin.SUPPLY_CHAIN: "new system, supply-chain platform (供应链票据)",
    },
    "kind": {
        BillKind.BANK_ACCEPTED: "accepted by a bank or finance company (银票)",
        BillKind.COMMERCIALLY_ACCEPTED: "accepted by a company (商票)",
    },
}


def main(arguments: list[str] | None = None) -> int:
    """0 and what the number says, or 1 and why it is refused."""
    parser = argparse.ArgumentParser(
        prog="python -m rongtong.bill", description="Tell what a bill number and a sub-bill range say."
    )
    parser.add_argument("number", help="30 digits, or the 16 of a paper bill")
    parser.add_argument(
        "--range", metavar="A-B", help="a sub-bill range (子票区间), one unit is one fen: 1-123456; 0 is all"
    )
    parser.add_argument("--json", action="store_true", help="answer with one JSON object")
    options = parser.parse_args(arguments)
    try:
        told = _number(options.number) | {"range": None if options.range is None else _range(options.range)}
    except InvalidInputError as error:
        refusal = {"number": options.number, "refused": error.code, "field": error.field, "message": error.message}
        print(json.dumps(refusal, ensure_ascii=False) if options.json else f"REFUSED {error.code}: {error.message}")
        return 1
    print(json.dumps(told, ensure_ascii=False) if options.json else _text(told))
    return 0


def _number(text: str) -> dict[str, Any]:
    parsed = PaperBillNumber.parse(text) if len(text) == _PAPER_LENGTH else BillNumber.parse(text)
    electronic = parsed if isinstance(parsed, BillNumber) else None
    reason = None
    try:
        parsed.require_discountable()
    except InvalidInputError as error:
        reason = error.code
    return {
        "number": parsed.text,
        "medium": parsed.medium.value,
        "origin": parsed.origin.value,
        "kind": parsed.kind.value,
        "bank_code": electronic and electronic.bank_code,
        "issue_date": electronic and electronic.issue_date.isoformat(),
        "serial": parsed.serial,
        "check_digit": electronic and electronic.check_digit,
        "discountable": reason is None,
        "reason": reason,
    }


def _range(text: str) -> dict[str, Any]:
    # A range that means the whole package does not say how much that is; any amount will do to have it read.
    rng = SubBillRange.parse(text, whole_fen=1)
    if rng.whole:
        nothing = dict.fromkeys(("start", "end", "amount", "amount_fen"))
        return {"whole": True, **nothing, "wire": rng.display(), "display": rng.display()}
    require_within_ceiling(rng)
    return {
        "whole": False,
        "start": rng.start,
        "end": rng.end,
        "amount": fen_to_yuan(rng.amount_fen),
        "amount_fen": rng.amount_fen,
        "wire": rng.wire(),
        "display": rng.display(),
    }


def _text(told: dict[str, Any]) -> str:
    lines = [("number", told["number"])]
    lines += [(name, f"{told[name]}  {names[told[name]]}") for name, names in _NAMES.items()]
    lines += [
        (name.replace("_", " "), told[name])
        for name in ("bank_code", "issue_date", "serial", "check_digit")
        if told[name] is not None
    ]
    lines.append(("discountable", "yes" if told["discountable"] else f"no, {told['reason']}"))
    if told["range"] is not None:
        rng = told["range"]
        lines += [
            ("range", "the whole package" if rng["whole"] else f"units {rng['start']} to {rng['end']}"),
            ("amount", "not stated by the range" if rng["whole"] else f"{rng['amount']} yuan"),
            ("wire form", rng["wire"]),
            ("short form", rng["display"]),
        ]
    return "\n".join(f"{label:<14}{value}" for label, value in lines)


if __name__ == "__main__":
    sys.exit(main())
