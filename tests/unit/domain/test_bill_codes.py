"""The registry's code lists: what is not known is taken for nothing good."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rongtong.domain import bill_codes
from rongtong.domain.bill_codes import BillOrigin, BillStatus

LISTS = [
    bill_codes.BillOrigin,
    bill_codes.BillMedium,
    bill_codes.BillKind,
    bill_codes.BillStatus,
    bill_codes.Circulation,
    bill_codes.RiskMark,
    bill_codes.EndorsementMark,
    bill_codes.EndorsementKind,
    bill_codes.RepurchaseMark,
    bill_codes.SettlementMark,
]


@pytest.mark.parametrize("codes", LISTS)
def test_every_code_of_a_list_reads_as_its_member(codes):
    assert [codes(member.value) for member in codes] == list(codes)


@pytest.mark.parametrize("codes", LISTS)
@given(value=st.one_of(st.none(), st.integers(), st.text(max_size=6)))
def test_a_code_that_a_list_does_not_know_reads_as_unknown(codes, value):
    assume(value not in set(codes))
    assert codes(value) is codes.UNKNOWN


@pytest.mark.parametrize("codes", LISTS)
@pytest.mark.parametrize("value", ["", "XX99", "cs01", "unknown", None])
def test_what_looks_like_a_code_is_not_taken_for_one(codes, value):
    assert codes(value) is codes.UNKNOWN


def test_the_same_code_means_another_thing_in_another_list():
    assert (BillOrigin("CS01"), BillStatus("CS01")) == (BillOrigin.ECDS, BillStatus.ISSUED)
    assert BillOrigin("CS99") is BillOrigin.UNKNOWN
    assert BillStatus("CS99") is BillStatus.SPLIT


def test_a_list_without_an_unknown_member_of_its_own_refuses_what_it_does_not_know():
    class Bare(bill_codes._Code):
        ONE = "1"

    with pytest.raises(ValueError, match="is not a valid"):
        Bare("2")
