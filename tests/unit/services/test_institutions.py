"""An institution changes its own rates and limit by two of its persons, and touches nobody else's."""

import pytest

from in_memory import Platform, sample_bills
from rongtong.domain.rates import RateTableError
from rongtong.domain.two_persons import SamePersonError
from rongtong.services import changes, institutions
from rongtong.services.configuration import ChangeContentError
from rongtong.services.errors import InstitutionUnknownError, NotFoundError

GOOD = sample_bills()[2]
BANK, OTHER = GOOD.request["institution_id"], "bank-2"
FIRST, SECOND = f"{BANK}-clerk", f"{BANK}-head"
ROW = {"acceptor_class": "state_joint", "max_days": 200, "annual_rate": "1.500000"}
TABLE = {"version": 7, "valid_from": "2026-04-15T00:00:00+08:00", "rows": [ROW]}


@pytest.fixture
def platform():
    return Platform()


def _record(platform, institution=BANK):
    return platform.context.store.get(f"institution#{institution}", "state").body


def _item(platform, change):
    return platform.context.store.get(f"change#{change['change_id']}", "state")


def _decide(platform, change, checker=SECOND, institution=BANK, approve=True):
    return institutions.decide(platform.context, institution, checker, _item(platform, change), approve=approve)


def _propose(platform, key="key-1"):
    return institutions.propose_rates(platform.context, BANK, FIRST, key, TABLE)


def test_rates_hold_once_a_second_person_of_the_institution_has_approved_them(platform):
    change = _propose(platform)
    assert institutions.terms(platform.context, BANK)["version_in_force"] != 7
    _decide(platform, change)
    shown = institutions.terms(platform.context, BANK)
    assert shown["version_in_force"] == 7
    assert (shown["rate_tables"][-1]["proposed_by"], shown["rate_tables"][-1]["approved_by"]) == (FIRST, SECOND)


def test_nobody_approves_what_he_proposed(platform):
    with pytest.raises(SamePersonError):
        _decide(platform, _propose(platform), checker=FIRST)


@pytest.mark.parametrize("institution", [OTHER, None])
def test_persons_of_another_house_cannot_decide_it(platform, institution):
    change, before = _propose(platform), _record(platform)
    with pytest.raises(NotFoundError):
        changes.decide(platform.context, "x", change["change_id"], approve=True, institution_id=institution)
    assert _record(platform) == before


def test_what_operations_propose_is_not_the_institution_s_to_decide(platform):
    content = {"institution_id": BANK, "limit_fen": 10**15}
    change = changes.propose(platform.context, "operations", "key-1", "institution", content)
    with pytest.raises(NotFoundError):
        _decide(platform, change)


def test_each_house_lists_its_own_proposals_only(platform):
    mine = _propose(platform)["change_id"]
    changes.propose(platform.context, "operations", "key-1", "limits", {"bill_fen": 10**15})
    assert [one["change_id"] for one in institutions.proposals(platform.context, BANK)] == [mine]
    assert institutions.proposals(platform.context, OTHER) == []
    assert mine not in [one["change_id"] for one in changes.newest(platform.context)]


def test_a_limit_is_changed_and_the_rest_of_the_record_stays(platform):
    before = _record(platform)
    change = institutions.propose_terms(platform.context, BANK, FIRST, "key-1", {"limit_fen": 5})
    _decide(platform, change)
    after = {name: value for name, value in _record(platform).items() if name not in _SIGNED}
    assert after == {**before, "limit_fen": 5}


_SIGNED = ("proposed_by", "approved_by", "approved_at")


@pytest.mark.parametrize(
    "own", [{}, {"settlement": "SM00"}, {"limit_fen": 5, "institution_id": OTHER}, {"limit_fen": -1}, {"fee": 5}]
)
def test_what_is_not_its_own_to_change_is_refused(platform, own):
    with pytest.raises(ChangeContentError):
        institutions.propose_terms(platform.context, BANK, FIRST, "key-1", own)


def test_a_table_that_cannot_be_read_is_refused_when_it_is_proposed(platform):
    with pytest.raises(RateTableError):
        institutions.propose_rates(platform.context, BANK, FIRST, "key-1", {**TABLE, "rows": []})


def test_what_is_taken_of_the_limit_is_shown(platform):
    discount_id = platform.accept(GOOD)
    limit = institutions.terms(platform.context, BANK)["limit"]
    assert limit["used_fen"] == platform.body(discount_id)["face_fen"]
    assert limit["free_fen"] == limit["limit_fen"] - limit["used_fen"]


def test_who_speaks_for_no_institution_sees_none(platform):
    with pytest.raises(InstitutionUnknownError):
        institutions.terms(platform.context, "bank-unknown")
