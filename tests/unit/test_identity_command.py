"""``python -m rongtong.identity``: whether a number can be right, to a person or to a program."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from stdnum.cn import ric

from rongtong.identity import main

VECTORS = json.loads((Path(__file__).parents[1] / "vectors.json").read_text(encoding="utf-8"))
VALID = [("uscc", "uscc_valid"), ("bank-code", "cnaps_valid"), ("lei", "lei_valid"), ("resident-id", "ric_valid")]
INVALID = [
    ("uscc", "uscc_invalid", "USCC_INVALID"),
    ("bank-code", "cnaps_invalid", "BANK_CODE_INVALID"),
    ("resident-id", "ric_invalid", "RESIDENT_ID_INVALID"),
]


def _asked(capsys, *arguments):
    code = main(list(arguments))
    return code, capsys.readouterr().out


def _json(capsys, *arguments):
    code, shown = _asked(capsys, *arguments, "--json")
    assert shown.count("\n") == 1
    return code, json.loads(shown)


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, name in VALID for text in VECTORS[name]])
def test_every_published_number_is_valid(capsys, kind, text):
    code, told = _json(capsys, kind, text)
    assert (code, told["kind"], told["valid"]) == (0, kind, True)


@pytest.mark.parametrize(
    ("kind", "text", "reason"), [(kind, text, reason) for kind, name, reason in INVALID for text in VECTORS[name]]
)
def test_every_published_wrong_number_is_refused_with_its_code(capsys, kind, text, reason):
    code, told = _json(capsys, kind, text)
    assert (code, told["kind"], told["valid"], told["refused"]) == (1, kind, False, reason)
    assert set(told) == {"kind", "value", "valid", "refused", "message"}


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        (
            "uscc",
            "91310000MA1FL0HA77",
            {"value": "91310000MA1FL0HA77", "organisation_code": "MA1FL0HA-7", "region": "310000"},
        ),
        ("bank-code", "309391000011", {"value": "309391000011", "bank_class": "309", "area": "3910"}),
        ("organisation-code", "63618789-4", {"value": "63618789-4"}),
        ("lei", "300300M61YN8TL1KDU63", {"value": "300300M61YN8TL1KDU63"}),
        ("resident-id", "11010519491231002X", {"value": "110***********002X"}),
        ("mobile", "13800138000", {"value": "138****8000"}),
        ("bank-card", "6228480402564890018", {"value": "622848*********0018"}),
    ],
)
def test_a_program_is_told_what_a_valid_number_says_of_itself(capsys, kind, text, told):
    assert _json(capsys, kind, text) == (0, {"kind": kind, "valid": True, **told})


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        ("resident-id", "110105194912310021", "RESIDENT_ID_INVALID"),
        ("mobile", "12800138000", "MOBILE_INVALID"),
        ("bank-card", "6228480402564890017", "BANK_CARD_INVALID"),
    ],
)
def test_a_refused_personal_number_shows_its_last_two_characters_alone(capsys, kind, text, reason):
    code, told = _json(capsys, kind, text)
    assert (code, told["refused"], told["value"]) == (1, reason, "*" * (len(text) - 2) + text[-2:])
    code, shown = _asked(capsys, kind, text)
    assert code == 1
    assert text not in shown
    assert text[-3:] not in shown


@pytest.mark.parametrize("kind", ["uscc", "organisation-code", "lei", "bank-code"])
@pytest.mark.parametrize("text", ["11010519491231002X", "13800138000"])
def test_a_persons_number_given_as_another_kind_is_masked_too(capsys, kind, text):
    code, told = _json(capsys, kind, text)
    assert (code, told["value"]) == (1, "*" * (len(text) - 2) + text[-2:])
    assert text not in _asked(capsys, kind, text)[1]


def test_a_wrong_organisation_code_is_refused(capsys):
    code, told = _json(capsys, "organisation-code", "63618789-5")
    assert (code, told["refused"], told["value"]) == (1, "ORGANISATION_CODE_INVALID", "63618789-5")


def test_nobody_is_born_the_day_after_tomorrow(capsys):
    birth = datetime.now(UTC).date() + timedelta(days=2)
    first17 = f"110105{birth:%Y%m%d}002"
    code, told = _json(capsys, "resident-id", first17 + ric.calc_check_digit(first17 + "0"))
    assert (code, told["refused"]) == (1, "RESIDENT_ID_INVALID")
    assert "nobody alive" in told["message"]


def test_a_person_reads_what_a_number_says(capsys):
    assert _asked(capsys, "uscc", "91310000MA1FL0HA77") == (
        0,
        "uscc                91310000MA1FL0HA77  valid\norganisation code   MA1FL0HA-7\nregion              310000\n",
    )


def test_a_person_reads_why_a_number_is_refused(capsys):
    assert _asked(capsys, "mobile", "12800138000") == (
        1,
        "REFUSED MOBILE_INVALID: A mobile number has 11 digits and begins with 13 to 19.\n"
        "mobile              *********00\n",
    )


@pytest.mark.parametrize(("text", "shown"), [("91\x1b[2J\n", "91\ufffd[2J\ufffd"), ("\udcff１", "\ufffd１"), ("", "")])
def test_what_a_terminal_would_obey_is_not_printed(capsys, text, shown):
    assert _json(capsys, "uscc", text)[1]["value"] == shown
    assert _asked(capsys, "uscc", text)[1].splitlines()[1] == f"uscc                {shown}"


@pytest.mark.parametrize("arguments", [["passport", "E00000000"], ["uscc"], []])
def test_an_unknown_kind_or_a_missing_value_is_a_usage_error(capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: python -m rongtong.identity" in capsys.readouterr().err


@pytest.mark.parametrize(("text", "code"), [("102100099996", 0), ("309391000012", 1)])
def test_the_command_ends_with_its_code(text, code):
    command = [sys.executable, "-m", "rongtong.identity", "bank-code", text]
    core = Path(__file__).parents[2] / "layers" / "core"
    ended = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(core)}, capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (code, b"")
