# ruff: noqa: E501 rows of tables cannot be broken
"""Writes docs/sandbox.md from the sandbox's own tables of magic values. Run by `make docs`."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable
from types import ModuleType

from paths import ROOT

PAGE = ROOT / "docs" / "sandbox.md"
_HEAD = """\
# The sandbox

A deployment with `EnableSandbox` (`make up` is one) has stand-ins for the bank, the registries, the tax authority and the
SMS gateway, and a business clock that can be set. The API, its code and its checks are the same as everywhere. The
sandbox's own routes are at its own address and ask nobody who they are: put no data there that matters. Elsewhere none of
it is deployed, and a magic number is a number like any other.

| route of the sandbox | what it does |
|---|---|
| `POST /samples` with `{"case": "paid", "account": "00"}` | bodies for a registration and a discount request that will do what the tables below say; each has a new bill |
| `GET /cases` | the tables below as JSON |
| `PUT /reset`, with `{"now": …}` or `{}` | forget everything that was seeded, paid or sent, and set the clock (2026-04-15 10:00 in Shanghai, a working morning); seen everywhere within two seconds. What the platform has recorded stays: enterprises, discounts, ranges that are taken |
| `GET /clock`, `PUT /clock` with `{"now": "2026-04-15T10:00:00+08:00"}` | business time; it ticks on from there, and is seen everywhere within two seconds. Signatures go by real time |
| `POST /seed` with `bills`, `invoices`, `accounts` | what registries, tax authority and bank are to hold beside that; it comes before what a number means |
| `PUT /moods` with `{"registry": {"down": true}}` | how `bank`, `registry` and `sms` behave towards everybody; `{}` for as usual |
| `POST /payments/{reference}/back` with `{"how": "RETURNED"}` | let a payment come back |
| `GET /statement`, `GET /messages` | what was paid, what was sent |

## Magic values

Nothing needs seeding for them. `POST /samples` makes numbers of this kind; who makes them otherwise writes

- a bill's number as mark `5`, the acceptor's bank code, its issue date (YYYYMMDD), a serial of `9`, three digits that are
  free, two of the **account** and two of the **case**, and the check digit (ISO 7064 MOD 11,10). It matures 150 days after
  its issue, its range begins with 1, and its holder is the supplier with these two digits;
- the invoice's number as `99`, that issue date, `00` and the serial;
- an account's number as `6200990000000000` and its two digits.

"""
_CASES = """\
### By the bill: what the registries do

| case | digits | what is the matter | the discount becomes |
|---|---|---|---|
"""
_ACCOUNTS = """
### By the account: what the bank does

| digits | what the bank does | what becomes of it |
|---|---|---|
"""
_TAIL = """
`ACCEPTOR_BLOCKED`, `ACCEPTOR_OVERDUE`, `PARTY_REFUSED` and the amount that goes to a review follow from the sample
configuration that `make up` brings. A returned payment is told by the bank (`POST /v1/bank/notices` with the key of
`sample-bank`) or found by the day's reconciliation, as everywhere. Whatever else can be refused depends on the request
alone: send it so, and its [reason code](reason-codes.md) comes back.
"""


def _load() -> ModuleType:
    path = ROOT / "functions" / "sandbox" / "magic.py"
    spec = importlib.util.spec_from_file_location("sandbox_magic", path)
    assert spec is not None, "the file is there"
    assert spec.loader is not None, "it is Python"
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


magic = _load()


def page() -> str:
    """The whole page."""
    cases = [(f"`{one.name}`", one.digits, one.what, _ends(one.becomes, one.reason)) for one in magic.CASES]
    accounts = [(one.digits, one.what, one.becomes) for one in magic.ACCOUNTS]
    return "".join([_HEAD, _CASES, _rows(cases), _ACCOUNTS, _rows(accounts), _TAIL])


def _ends(becomes: str, reason: str) -> str:
    return f"{becomes} with `{reason}`" if reason else becomes


def _rows(rows: Iterable[tuple[str, ...]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def main() -> None:
    """Write it."""
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{len(magic.CASES)} cases and {len(magic.ACCOUNTS)} accounts in {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
