"""The endorsement chain: from the payee to the holder without a break, and what its way tells."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import DRAWER, PAYEE, bill_of, party
from rongtong.domain.bill import Endorsement
from rongtong.domain.bill_codes import EndorsementKind
from rongtong.domain.endorsement_chain import chain_fault, held_since, hops_within, returns

TRANSFER, PLEDGE, GUARANTEE = EndorsementKind.TRANSFER, EndorsementKind.PLEDGE, EndorsementKind.GUARANTEE
ISSUED, MATURES, TODAY = date(2026, 3, 1), date(2026, 8, 31), date(2026, 7, 1)
B, C, D = (party(key) for key in ("b", "c", "d"))


def _entry(endorser, endorsee, on=date(2026, 4, 1), kind=TRANSFER):
    return Endorsement(endorser, endorsee, on, kind)


def _bill(*endorsements, **changes):
    return bill_of(*endorsements, **{"issue_date": ISSUED, "maturity_date": MATURES, **changes})


def _fault(*endorsements, **changes):
    return chain_fault(_bill(*endorsements, **changes), TODAY)


TO_B, TO_C, TO_D = _entry(PAYEE, B), _entry(B, C), _entry(C, D)


@pytest.mark.parametrize("chain", [(), (TO_B,), (TO_B, TO_C), (TO_B, TO_C, TO_D)])
def test_a_chain_from_the_payee_to_the_holder_has_no_fault(chain):
    assert _fault(*chain) is None


@given(st.integers(0, 8))
def test_a_chain_of_any_length_without_one_of_its_entries_is_broken(at):
    parties = [PAYEE, *[party(str(place)) for place in range(9)]]
    chain = [_entry(left, right) for left, right in pairwise(parties)]
    assert _fault(*chain) is None
    del chain[at]
    expected = "CHAIN_FIRST_ENDORSER" if at == 0 else "CHAIN_LAST_ENDORSEE" if at == 8 else "CHAIN_BROKEN"
    assert _fault(*chain, holder=parties[-1]) == expected


def test_the_first_endorser_is_the_payee():
    assert _fault(TO_C, TO_D) == "CHAIN_FIRST_ENDORSER"


@pytest.mark.parametrize("part", ["name", "uscc", "account"])
def test_a_party_is_itself_by_name_code_and_account_together(part):
    other_payee = replace(PAYEE, **{part: "another"})
    other_b = replace(B, **{part: "another"})
    assert _fault(_entry(other_payee, B)) == "CHAIN_FIRST_ENDORSER"
    assert _fault(TO_B, _entry(other_b, C)) == "CHAIN_BROKEN"
    assert _fault(TO_B, holder=other_b) == "CHAIN_LAST_ENDORSEE"
    assert _fault(holder=other_payee) == "CHAIN_LAST_ENDORSEE"


def test_only_the_last_endorsee_holds_the_bill():
    assert _fault(TO_B, TO_C, holder=B) == "CHAIN_LAST_ENDORSEE"


def test_a_guarantee_in_the_chain_passes_nothing_on():
    guarantee = _entry(B, D, kind=GUARANTEE)
    assert _fault(guarantee, TO_B, guarantee, TO_C, guarantee, holder=C) is None
    assert _fault(TO_B, guarantee, holder=D) == "CHAIN_LAST_ENDORSEE"


def test_a_guarantee_s_date_is_no_date_of_the_chain():
    assert _fault(TO_B, _entry(B, D, ISSUED - timedelta(days=1), GUARANTEE), TO_C, holder=C) is None


def test_a_pledgee_passes_nothing_on():
    pledge = _entry(B, C, kind=PLEDGE)
    assert _fault(TO_B, pledge, TO_D) == "CHAIN_KIND"


def test_a_pledgee_holds_nothing():
    assert _fault(TO_B, _entry(B, C, kind=PLEDGE), holder=C) == "CHAIN_KIND"


def test_the_pledgor_passes_the_bill_on_after_its_pledge_has_ended():
    pledge = _entry(B, C, kind=PLEDGE)
    assert _fault(TO_B, pledge, _entry(B, D)) is None
    assert _fault(TO_B, pledge, holder=B) is None


def test_a_former_pledgee_that_the_bill_came_to_later_passes_it_on():
    pledge = _entry(B, C, kind=PLEDGE)
    assert _fault(TO_B, pledge, _entry(B, D), _entry(D, C), _entry(C, B)) is None


def test_after_a_transfer_the_former_pledgee_passes_nothing_on():
    assert _fault(TO_B, _entry(B, C, kind=PLEDGE), _entry(B, D), _entry(C, B)) == "CHAIN_BROKEN"


def test_only_the_hand_that_holds_the_bill_pledges_it():
    assert _fault(_entry(B, C, kind=PLEDGE), holder=PAYEE) == "CHAIN_FIRST_ENDORSER"
    assert _fault(TO_B, _entry(C, D, kind=PLEDGE), holder=B) == "CHAIN_BROKEN"


@pytest.mark.parametrize("kind", [EndorsementKind.UNKNOWN, EndorsementKind("ET99"), "ET04"])
def test_an_entry_of_another_kind_is_not_taken_for_a_transfer(kind):
    assert _fault(TO_B, replace(TO_C, kind=kind)) == "CHAIN_KIND"


def test_dates_never_go_back():
    later, earlier = date(2026, 5, 2), date(2026, 5, 1)
    assert _fault(replace(TO_B, date=later), replace(TO_C, date=later)) is None
    assert _fault(replace(TO_B, date=later), replace(TO_C, date=earlier)) == "CHAIN_DATES"


def test_a_date_that_went_back_counts_for_the_entry_after_it():
    days = [date(2026, 5, day) for day in (3, 1, 2)]
    chain = [replace(entry, date=day) for entry, day in zip((TO_B, TO_C, TO_D), days, strict=True)]
    assert _fault(*chain) == "CHAIN_DATES"


@pytest.mark.parametrize(
    ("day", "fault"),
    [
        (ISSUED, None),
        (ISSUED - timedelta(days=1), "CHAIN_DATES"),
        (TODAY, None),
        (TODAY + timedelta(days=1), "CHAIN_DATES"),
    ],
)
def test_endorsements_lie_between_the_issue_and_today(day, fault):
    assert _fault(replace(TO_B, date=day)) == fault


@pytest.mark.parametrize(("days_after", "fault"), [(0, None), (1, "CHAIN_AFTER_MATURITY")])
def test_after_the_maturity_nothing_is_endorsed(days_after, fault):
    bill = _bill(replace(TO_B, date=MATURES + timedelta(days=days_after)))
    assert chain_fault(bill, MATURES + timedelta(days=30)) == fault


def test_the_gravest_of_several_faults_is_told():
    early = ISSUED - timedelta(days=1)
    unknown = EndorsementKind.UNKNOWN
    late = MATURES + timedelta(days=1)
    chain = [
        Endorsement(B, C, late, TRANSFER),
        Endorsement(D, B, early, unknown),
        Endorsement(B, D, early, TRANSFER),
    ]
    assert _fault(*chain, holder=B) == "CHAIN_FIRST_ENDORSER"
    assert _fault(TO_B, *chain[1:], holder=B) == "CHAIN_BROKEN"
    assert _fault(TO_B, replace(TO_C, kind=unknown, date=early), holder=B) == "CHAIN_KIND"
    assert _fault(replace(TO_B, date=early), holder=D) == "CHAIN_LAST_ENDORSEE"
    assert _fault(replace(TO_B, date=late)) == "CHAIN_DATES"


def _suspicious():
    """25 endorsements in four months: one company gets the bill back after every hop, several hops a day."""
    hub, others = B, [party(f"n{at}") for at in range(12)]
    hands = [PAYEE, hub]
    for other in others:
        hands += [other, hub]
    days = [date(2026, 3, 5) + timedelta(days=at // 3 * 14) for at in range(25)]
    return _bill(
        *[_entry(left, right, on) for (left, right), on in zip(pairwise(hands), days, strict=True)],
        holder=hub,
    )


def test_a_carousel_is_a_continuous_chain():
    bill = _suspicious()
    assert (len(bill.endorsements), chain_fault(bill, TODAY)) == (25, None)


def test_a_carousel_shows_in_its_facts():
    bill = _suspicious()
    assert returns(bill) == frozenset({B.uscc})
    assert held_since(bill) == date(2026, 6, 25)
    assert hops_within(bill, 122, TODAY) == 25
    assert hops_within(bill, 14, date(2026, 6, 24)) == 3


@pytest.mark.parametrize(("days", "hops"), [(0, 0), (1, 0), (2, 1), (3, 1), (4, 3), (90, 3)])
def test_hops_are_counted_over_the_last_days_today_included(days, hops):
    on = [TODAY - timedelta(days=ago) for ago in (3, 3, 1)]
    bill = _bill(*[replace(entry, date=day) for entry, day in zip((TO_B, TO_C, TO_D), on, strict=True)])
    assert hops_within(bill, days, TODAY) == hops


def test_a_hop_of_today_counts_and_one_of_tomorrow_does_not():
    tomorrow = replace(TO_C, date=TODAY + timedelta(days=1))
    assert hops_within(_bill(replace(TO_B, date=TODAY), tomorrow), 1, TODAY) == 1


def test_guarantees_and_pledges_are_no_hops():
    bill = _bill(TO_B, _entry(B, D, kind=GUARANTEE), _entry(B, D, date(2026, 5, 1), PLEDGE), holder=B)
    assert bill.transfers == (TO_B,)
    assert hops_within(bill, 365, TODAY) == 1
    assert (held_since(bill), returns(bill)) == (TO_B.date, frozenset())


def test_the_payee_holds_an_unendorsed_bill_since_its_issue():
    assert (held_since(_bill()), returns(_bill())) == (None, frozenset())


@pytest.mark.parametrize("back", [DRAWER, PAYEE, B])
def test_whoever_had_the_bill_before_gets_it_back(back):
    assert returns(_bill(TO_B, TO_C, _entry(C, back))) == frozenset({back.uscc})


def test_a_company_is_the_same_on_another_account():
    assert returns(_bill(TO_B, TO_C, _entry(C, replace(B, account="other")))) == frozenset({B.uscc})


def test_a_drawer_that_made_the_bill_out_to_itself_did_not_get_it_back():
    assert returns(_bill(_entry(DRAWER, B), payee=DRAWER)) == frozenset()
