"""Check an identity number: ``python -m rongtong.identity KIND VALUE [--json]``.

The same checks as the platform's own, without network: they tell whether a number can be right, not whether somebody
has it. Personal numbers are shown masked, also when they are refused, and so is one that was given as another kind.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from rongtong.domain.calendar import SHANGHAI
from rongtong.domain.errors import IdentityError
from rongtong.domain.identity import (
    check_bank_card,
    check_bank_code,
    check_lei,
    check_mobile,
    check_organisation_code,
    check_resident_id,
    check_uscc,
)
from rongtong.domain.privacy import mask_card, mask_mobile, mask_refused, mask_resident_id

_LABEL_WIDTH = 20


@dataclass(frozen=True)
class _Kind:
    """``mask``: how a personal number is shown (None: as it is); ``tell``: what a valid number says of itself."""

    check: Callable[[str], str]
    mask: Callable[[str], str] | None = None
    tell: Callable[[str], dict[str, str]] = lambda _: {}


def _resident_id(text: str) -> str:
    return check_resident_id(text, today=datetime.now(SHANGHAI).date())


def _of_uscc(text: str) -> dict[str, str]:
    return {"organisation_code": f"{text[8:16]}-{text[16]}", "region": text[2:8]}


def _of_bank_code(text: str) -> dict[str, str]:
    return {"bank_class": text[:3], "area": text[3:7]}


_KINDS: Mapping[str, _Kind] = {
    "uscc": _Kind(check_uscc, tell=_of_uscc),
    "organisation-code": _Kind(check_organisation_code),
    "lei": _Kind(check_lei),
    "bank-code": _Kind(check_bank_code, tell=_of_bank_code),
    "resident-id": _Kind(_resident_id, mask=mask_resident_id),
    "mobile": _Kind(check_mobile, mask=mask_mobile),
    "bank-card": _Kind(check_bank_card, mask=mask_card),
}


def main(arguments: list[str] | None = None) -> int:
    """0 and what the number says, or 1 and the code of the refusal; argparse ends a usage error with 2."""
    parser = argparse.ArgumentParser(prog="python -m rongtong.identity", description="Check an identity number.")
    parser.add_argument("kind", choices=sorted(_KINDS), help="what the number is said to be")
    parser.add_argument("value", help="the number, exactly as it is to be used")
    parser.add_argument("--json", action="store_true", help="answer with one JSON object")
    options = parser.parse_args(arguments)
    kind = _KINDS[options.kind]
    try:
        kind.check(options.value)
    except IdentityError as error:
        told = {
            "kind": options.kind,
            "value": _printable(
                mask_refused(options.value) if kind.mask or _personal(options.value) else options.value
            ),
            "valid": False,
            "refused": error.code,
            "message": error.message,
        }
    else:
        shown = kind.mask(options.value) if kind.mask else options.value
        told = {"kind": options.kind, "value": shown, "valid": True, **kind.tell(options.value)}
    print(json.dumps(told, ensure_ascii=False) if options.json else _text(told))
    return 0 if told["valid"] else 1


def _personal(text: str) -> bool:
    """Whether a person's number was given, whatever it was said to be."""
    for check in (_resident_id, check_mobile):
        try:
            check(text)
        except IdentityError:
            continue
        return True
    return False


def _printable(text: str) -> str:
    """Without what a terminal cannot show or would obey."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _text(told: Mapping[str, object]) -> str:
    if not told["valid"]:
        return f"REFUSED {told['refused']}: {told['message']}\n{told['kind']:<{_LABEL_WIDTH}}{told['value']}"
    lines: list[tuple[object, object]] = [(told["kind"], f"{told['value']}  valid")]
    lines += [(name.replace("_", " "), told[name]) for name in told if name not in ("kind", "value", "valid")]
    return "\n".join(f"{label:<{_LABEL_WIDTH}}{value}" for label, value in lines)


if __name__ == "__main__":
    sys.exit(main())
