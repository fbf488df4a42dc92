"""The class of an acceptor: by bank, by bank class, commercial whatever the bank; and what a directory may hold."""

import pytest

from builders import BANK
from rongtong.domain.acceptors import AcceptorDirectory, AcceptorDirectoryError, AcceptorUnknownError
from rongtong.domain.bill_codes import BillKind
from rongtong.domain.errors import IdentityError, InvalidInputError

OTHER_BANK = "313100000013"
DOCUMENT = {"bank_classes": {"102": "state_joint", "313": "city"}, "banks": {OTHER_BANK: "private"}}
DIRECTORY = AcceptorDirectory.parse(DOCUMENT)


def refusal(document, error=AcceptorDirectoryError):
    with pytest.raises(error) as refused:
        AcceptorDirectory.parse(document)
    return refused.value.code, refused.value.field, refused.value.message


def test_a_directory_is_read_as_it_stands():
    assert AcceptorDirectory({"102": "state_joint", "313": "city"}, {OTHER_BANK: "private"}) == DIRECTORY


def test_either_part_of_a_directory_may_be_left_out():
    assert AcceptorDirectory.parse({}) == AcceptorDirectory({}, {})
    assert AcceptorDirectory.parse({"banks": {BANK: "city"}}) == AcceptorDirectory({}, {BANK: "city"})
    assert AcceptorDirectory.parse({"bank_classes": {"102": "city"}}) == AcceptorDirectory({"102": "city"}, {})


@pytest.mark.parametrize("kind", [BillKind.BANK_ACCEPTED, BillKind.UNKNOWN])
@pytest.mark.parametrize(
    ("bank_code", "expected"), [(BANK, "state_joint"), ("313999999999", "city"), (OTHER_BANK, "private")]
)
def test_a_bank_has_the_class_of_its_bank_class_unless_it_is_named_itself(kind, bank_code, expected):
    assert DIRECTORY.class_of(bank_code, kind) == expected


@pytest.mark.parametrize("bank_code", [BANK, OTHER_BANK, "999000000000"])
def test_a_commercial_bill_is_of_its_own_class_whatever_the_bank(bank_code):
    assert DIRECTORY.class_of(bank_code, BillKind.COMMERCIALLY_ACCEPTED) == "commercial"


def test_nobody_quotes_for_an_acceptor_whose_class_is_not_known():
    with pytest.raises(AcceptorUnknownError) as refused:
        DIRECTORY.class_of("105100000017", BillKind.BANK_ACCEPTED)
    assert (refused.value.code, refused.value.field) == ("ACCEPTOR_UNKNOWN", "acceptor_bank_code")
    assert refused.value.message == (
        "No class is known of this accepting bank; compare its bank code, or ask the platform to add it."
    )
    assert isinstance(refused.value, InvalidInputError)


@pytest.mark.parametrize("field", ["bank_classes", "banks"])
@pytest.mark.parametrize("entries", [None, [], "102", [["102", "city"]]])
def test_a_part_that_is_no_object_is_refused(field, entries):
    expected = ("ACCEPTOR_DIRECTORY", field, f"{field} is an object of codes and classes.")
    assert refusal({**DOCUMENT, field: entries}) == expected


@pytest.mark.parametrize(("field", "code"), [("bank_classes", "102"), ("banks", BANK)])
def test_a_class_that_no_rate_table_knows_is_refused_with_those_that_there_are(field, code):
    expected = (
        "'regional' is no class; use one of city, commercial, finance_company, foreign, other, private, rural, "
        "state_joint, village."
    )
    assert refusal({field: {code: "regional"}}) == ("ACCEPTOR_DIRECTORY", f"{field}.{code}", expected)


@pytest.mark.parametrize("code", ["", "10", "1020", "1O2", "１０２", "1²2"])
def test_a_bank_class_has_three_plain_digits(code):
    expected = ("ACCEPTOR_DIRECTORY", f"bank_classes.{code}", "A bank class has three digits.")
    assert refusal({"bank_classes": {"102": "city", code: "city"}}) == expected


def test_a_bank_is_named_by_its_whole_code():
    wrong = "102100099990"
    found = refusal({"banks": {BANK: "city", wrong: "city"}}, IdentityError)
    assert found[:2] == ("BANK_CODE_INVALID", f"banks.{wrong}")


def test_a_directory_keeps_its_entries_when_the_document_changes_afterwards():
    document = {"bank_classes": {"102": "city"}, "banks": {BANK: "rural"}}
    directory = AcceptorDirectory.parse(document)
    document["bank_classes"].clear()
    document["banks"].clear()
    assert directory == AcceptorDirectory({"102": "city"}, {BANK: "rural"})
