"""``python -m rongtong.bill``: what a number and a range say, to a person or to a program."""

import json
import os
import subprocess
import sys

import pytest

from rongtong.bill import main
from rongtong.domain.bill_number import check_digit

NEW, LEGACY, PAPER = "530939100001120260315000001238", "110233520800020100421000113497", "1030125351234567"


def _asked(capsys, *arguments):
    code = main(list(arguments))
    return code, capsys.readouterr().out


def _json(capsys, *arguments):
    code, shown = _asked(capsys, *arguments, "--json")
    assert shown.count("\n") == 1
    return code, json.loads(shown)


def test_a_program_is_told_what_a_number_says(capsys):
    assert _json(capsys, NEW) == (
        0,
        {
            "number": NEW,
            "medium": "ME02",
            "origin": "CS02",
            "kind": "AC01",
            "bank_code": "309391000011",
            "issue_date": "2026-03-15",
            "serial": "00000123",
            "check_digit": "8",
            "discountable": True,
            "reason": None,
            "range": None,
        },
    )


@pytest.mark.parametrize("text", ["1-10300", "000000000001-000000010300"])
def test_a_program_is_told_what_a_range_says(capsys, text):
    code, told = _json(capsys, NEW, "--range", text)
    assert (code, told["range"]) == (
        0,
        {
            "whole": False,
            "start": 1,
            "end": 10300,
            "amount": "103.00",
            "amount_fen": 10300,
            "wire": "000000000001-000000010300",
            "display": "1-10300",
        },
    )


@pytest.mark.parametrize("text", ["0", "0-0", ""])
def test_a_program_is_told_that_a_range_means_the_whole_package_without_saying_how_much(capsys, text):
    code, told = _json(capsys, NEW, "--range", text)
    assert (code, told["range"]) == (
        0,
        {
            "whole": True,
            "start": None,
            "end": None,
            "amount": None,
            "amount_fen": None,
            "wire": "0",
            "display": "0",
        },
    )


def test_a_person_is_told_that_a_range_means_the_whole_package(capsys):
    code, shown = _asked(capsys, NEW, "--range", "0")
    assert code == 0
    assert shown.splitlines()[-4:] == [
        "range         the whole package",
        "amount        not stated by the range",
        "wire form     0",
        "short form    0",
    ]


def test_a_number_of_the_former_system_is_valid_and_not_discountable(capsys):
    code, told = _json(capsys, LEGACY)
    found = (code, told["origin"], told["discountable"], told["reason"])
    assert found == (0, "CS01", False, "BILL_LEGACY_NOT_DISCOUNTABLE")


def test_a_paper_number_says_less_and_is_not_discountable(capsys):
    assert _json(capsys, PAPER) == (
        0,
        {
            "number": PAPER,
            "medium": "ME01",
            "origin": "CS00",
            "kind": "AC01",
            "bank_code": None,
            "issue_date": None,
            "serial": "51234567",
            "check_digit": None,
            "discountable": False,
            "reason": "BILL_PAPER_NOT_DISCOUNTABLE",
            "range": None,
        },
    )


@pytest.mark.parametrize(
    ("arguments", "refused", "field"),
    [
        ([NEW[:-1] + "9"], "BILL_NUMBER_CHECK_DIGIT", "bill.number"),
        ([NEW[:-1]], "BILL_NUMBER_LENGTH", "bill.number"),
        (["1031125351234567"], "BILL_NUMBER_RESERVED", "bill.number"),
        ([NEW, "--range", "9-1"], "RANGE_UPSIDE_DOWN", "bill.range"),
        ([NEW, "--range", "001-5"], "RANGE_FORMAT", "bill.range"),
        ([NEW, "--range", "1-100000000001"], "RANGE_ABOVE_CEILING", "bill.range"),
    ],
)
def test_a_program_is_told_why_it_is_refused(capsys, arguments, refused, field):
    code, told = _json(capsys, *arguments)
    assert (code, told["number"], told["refused"], told["field"]) == (1, arguments[0], refused, field)
    assert set(told) == {"number", "refused", "field", "message"}
    assert told["message"].endswith(".")


def test_a_person_is_told_what_number_and_range_say(capsys):
    code, shown = _asked(capsys, NEW, "--range", "1-10300")
    assert code == 0
    assert shown.splitlines() == [
        "number        530939100001120260315000001238",
        "medium        ME02  electronic",
        "origin        CS02  new system, financial institutions (金融机构票据)",
        "kind          AC01  accepted by a bank or finance company (银票)",
        "bank code     309391000011",
        "issue date    2026-03-15",
        "serial        00000123",
        "check digit   8",
        "discountable  yes",
        "range         units 1 to 10300",
        "amount        103.00 yuan",
        "wire form     000000000001-000000010300",
        "short form    1-10300",
    ]


def test_a_person_is_told_nothing_that_a_paper_number_does_not_say(capsys):
    _, shown = _asked(capsys, PAPER.replace("12535", "12635"))
    assert shown.splitlines() == [
        "number        1030126351234567",
        "medium        ME01  paper",
        "origin        CS00  paper bill (纸质票据)",
        "kind          AC02  accepted by a company (商票)",
        "serial        51234567",
        "discountable  no, BILL_PAPER_NOT_DISCOUNTABLE",
    ]


def test_every_origin_has_a_name(capsys):
    _, legacy = _asked(capsys, LEGACY)
    first29 = "73093910000112026031500000123"
    _, chain = _asked(capsys, first29 + check_digit(first29))
    assert "CS01  former system ECDS (传统电子票据)" in legacy
    assert "CS03  new system, supply-chain platform (供应链票据)" in chain


def test_a_person_is_told_the_code_and_the_reason_of_a_refusal(capsys):
    assert _asked(capsys, NEW[:-1]) == (
        1,
        "REFUSED BILL_NUMBER_LENGTH: A bill number has 30 digits, this one 29.\n",
    )


@pytest.mark.parametrize("arguments", [[], [NEW, "--range"], [NEW, "--no-such"], [NEW, NEW]])
def test_a_wrong_call_is_a_usage_error(capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2


def test_the_command_ends_with_the_answer_s_code():
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "rongtong.bill", "1"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=path)
    assert (ended.returncode, ended.stdout) == (
        1,
        "REFUSED BILL_NUMBER_LENGTH: A bill number has 30 digits, this one 1.\n",
    )
