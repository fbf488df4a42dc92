"""The exposure ledger: every entry balances, corrections restore, sums are what counting would find."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.domain.errors import TransitionError
from rongtong.domain.exposure import EnterpriseLimits, Limits, ReservationStatus, Turnover, counters
from rongtong.domain.exposure_ledger import (
    Account,
    AccountUnknownError,
    Balances,
    EntryKind,
    JournalEntry,
    JournalEntryError,
    Part,
    Posting,
    ReserveEntry,
    ReserveKind,
    opposite,
    reservation,
    standing,
)

DAY = date(2026, 4, 15)
USCC, OTHER_USCC = "91350200MA2XXXXX1Q", "91310000MA1FL0HA77"
RESERVED = JournalEntry(EntryKind.RESERVE, 500, "313100000013", None, "bank-1", DAY, USCC)
GROUPED = replace(RESERVED, acceptor_group="g/1#a")
USED, RETURNED = replace(RESERVED, kind=EntryKind.USE), replace(RESERVED, kind=EntryKind.RETURN)
FUNDED = ReserveEntry(ReserveKind.FUND, 900, "bank-1")
PAID = ReserveEntry(ReserveKind.COMPENSATE, 300)

FEN = st.integers(min_value=1, max_value=10**12)
DAYS = st.dates(date(2025, 12, 20), date(2026, 2, 10))
ENTRIES = st.builds(
    JournalEntry,
    kind=st.sampled_from(EntryKind),
    fen=FEN,
    acceptor_code=st.sampled_from(["313100000013", "102100099996", "not/a#code"]),
    acceptor_group=st.sampled_from([None, "g-1", "g/2"]),
    institution_id=st.sampled_from(["bank-1", "bank-2"]),
    day=DAYS,
    enterprise=st.sampled_from([USCC, OTHER_USCC]),
)
RESERVE_ENTRIES = st.one_of(
    st.builds(ReserveEntry, kind=st.just(ReserveKind.FUND), fen=FEN, institution_id=st.sampled_from([None, "bank-1"])),
    st.builds(ReserveEntry, kind=st.just(ReserveKind.COMPENSATE), fen=FEN),
)
LIVES = st.lists(
    st.tuples(ENTRIES, st.sampled_from([(), (EntryKind.USE,), (EntryKind.RETURN,)])),
    max_size=12,
)
"""Discounts, each with what followed its reservation."""


def journal(lives):
    """The entries of these discounts."""
    return [replace(entry, kind=kind) for entry, ends in lives for kind in (EntryKind.RESERVE, *ends)]


def balances(entries):
    return Balances.of(posting for entry in entries for posting in entry.postings())


def named(*entries):
    return {f"dsc_1/{at}": entry for at, entry in enumerate(entries, start=1)}


def fen_of(entries, *names):
    """The balances of the accounts with these names."""
    found = balances(entries)
    return [found.of_account(Account.parse(name)) for name in names]


@given(st.lists(st.one_of(ENTRIES, RESERVE_ENTRIES), max_size=20))
def test_whatever_is_entered_all_accounts_together_are_zero(entries):
    assert balances(entries).trial_fen == 0


@given(st.one_of(ENTRIES, RESERVE_ENTRIES))
def test_every_entry_debits_as_much_as_it_credits_for_each_owner(entry):
    pairs = [(debit.fen, credit.fen) for debit, credit in zip(*[iter(entry.postings())] * 2, strict=True)]
    assert set(pairs) == {(entry.fen, -entry.fen)}


def test_a_missing_side_shows_in_the_trial_balance():
    assert Balances.of(RESERVED.postings()[:-1]).trial_fen == 500


@given(st.lists(ENTRIES, max_size=8), st.one_of(ENTRIES, RESERVE_ENTRIES))
def test_a_correction_restores_every_balance_and_leaves_both_entries_in_the_books(entries, wrong):
    before, after = balances(entries), balances([*entries, wrong, opposite(wrong, "wrong")])
    assert {account: fen for account, fen in after.fen.items() if fen} == {a: f for a, f in before.fen.items() if f}
    assert set(after.fen) >= {posting.account for posting in wrong.postings()}


@given(st.lists(ENTRIES, max_size=8), st.lists(ENTRIES, max_size=8))
def test_balances_of_two_parts_merge_to_those_of_the_whole(one, other):
    assert balances(one).merge(balances(other)) == balances([*one, *other])


@given(st.lists(ENTRIES, max_size=8), st.randoms())
def test_the_order_of_entries_is_no_matter_to_the_sums(entries, random):
    mixed = random.sample(entries, len(entries))
    assert balances(mixed) == balances(entries)


def owners_of(entry):
    shared = counters(
        Limits(),
        acceptor_code=entry.acceptor_code,
        acceptor_group=entry.acceptor_group,
        institution_id=entry.institution_id,
        institution_limit_fen=None,
        day=entry.day,
    )
    return [counter.key for counter in shared]


@given(LIVES)
def test_what_is_taken_of_a_shared_limit_is_what_counting_finds(lives):
    counted = Counter()
    for entry, ends in lives:
        for owner in owners_of(entry):
            counted[owner] += 0 if EntryKind.RETURN in ends else entry.fen
    found = balances(journal(lives))
    assert {owner: found.taken(owner) for owner in counted} == counted


@given(LIVES)
def test_an_enterprise_s_turnover_is_what_its_record_would_say(lives):
    records = {}
    for entry, _ in lives:
        turnover = records.get(entry.enterprise, Turnover())
        records[entry.enterprise] = turnover.add(entry.fen, entry.day, EnterpriseLimits())
    for entry, ends in lives:
        if EntryKind.RETURN in ends:
            records[entry.enterprise] = records[entry.enterprise].give_back(entry.fen, entry.day)
    assert balances(journal(lives)).turnovers() == records


def test_a_reservation_moves_fen_from_available_to_reserved():
    names = [f"acceptor#313100000013/{part}" for part in ("available", "reserved", "used", "returned")]
    assert fen_of([RESERVED], *names) == [-500, 500, 0, 0]


def test_what_is_used_is_reserved_no_more():
    names = [f"institution#bank-1/{part}" for part in ("available", "reserved", "used", "returned")]
    assert fen_of([RESERVED, USED], *names) == [-500, 0, 500, 0]


def test_what_is_returned_is_told_apart_from_what_was_never_taken():
    names = [f"platform#2026-04-15/{part}" for part in ("available", "reserved", "used", "returned")]
    assert fen_of([RESERVED, RETURNED], *names) == [-500, 0, 0, 500]


def test_an_entry_counts_against_every_owner_of_its_discount():
    assert GROUPED.owners == (
        "acceptor#313100000013",
        "acceptor_group#g/1#a",
        "institution#bank-1",
        "platform#2026-04-15",
        f"enterprise#{USCC}#2026-04-15",
    )


def test_the_reserve_is_funded_by_an_institution_or_of_the_platform_s_own_funds_and_pays_out():
    own = replace(FUNDED, institution_id=None, fen=100)
    names = ("reserve/available", "reserve/paid_out", "reserve#institution#bank-1/funded", "reserve#platform/funded")
    assert fen_of([FUNDED, own, PAID], *names) == [700, 300, -900, -100]


def test_a_corrected_compensation_is_available_again():
    assert fen_of([FUNDED, PAID, opposite(PAID, "P1")], "reserve/available", "reserve/paid_out") == [900, 0]


def test_a_compensation_is_nobody_s_funding():
    with pytest.raises(JournalEntryError):
        replace(PAID, institution_id="bank-1")


@pytest.mark.parametrize(
    "name",
    [
        "client#91350200MA2XXXXX1Q/available",
        "enterprise#91350200MA2XXXXX1Q/available",
        "enterprise#91350200MA2XXXXX1Q#2026-04-15/paid_out",
        "enterprise#91350200MA2XXXXX1Q#2026-04-15/funded",
        "enterprise#short#2026-04-15/reserved",
        "acceptor#/reserved",
        "acceptor#313100000013/funded",
        "platform#today/reserved",
        "platform#2026-04-15 /reserved",
        "reserve/reserved",
        "reserve/funded",
        "reserve#client#1/funded",
        "reserve#platform/available",
        "reserve",
        "institution#bank-1/cash",
        "",
    ],
)
def test_the_chart_has_no_account_for_client_money_or_anything_else(name):
    with pytest.raises(AccountUnknownError) as refused:
        Account.parse(name)
    assert refused.value.code == "LEDGER_ACCOUNT"


def test_nothing_is_posted_for_an_enterprise_without_a_credit_code():
    with pytest.raises(AccountUnknownError):
        replace(RESERVED, enterprise="client money").postings()


@given(ENTRIES)
def test_an_account_is_read_back_by_its_name(entry):
    accounts = [posting.account for posting in entry.postings()]
    assert [Account.parse(account.name) for account in accounts] == accounts


@given(ENTRIES, st.sampled_from([None, "dsc_1/3"]))
def test_an_entry_is_read_back_from_its_list(entry, corrects):
    entry = replace(entry, corrects=corrects)
    assert JournalEntry.parse(entry.as_list()) == entry


@given(ENTRIES)
def test_beside_its_applicant_an_entry_is_read_back_without_naming_it(entry):
    listed = entry.as_list(beside_applicant=True)
    assert entry.enterprise not in listed
    assert JournalEntry.parse(listed, entry.enterprise) == entry


def test_a_reservation_is_stored_short():
    assert RESERVED.as_list(beside_applicant=True) == ["reserve", 500, "313100000013", None, "bank-1", "2026-04-15"]


def test_a_correction_names_the_applicant_in_every_event():
    listed = opposite(RESERVED, "dsc_1/1").as_list(beside_applicant=True)
    assert JournalEntry.parse(listed).corrects == "dsc_1/1"


GOOD = USED.as_list()


@pytest.mark.parametrize(
    "listed",
    [
        None,
        {},
        "use",
        GOOD[:5],
        GOOD[:6],
        [*GOOD, "dsc_1/1", "more"],
        ["keep", *GOOD[1:]],
        [None, *GOOD[1:]],
        [GOOD[0], "500", *GOOD[2:]],
        [GOOD[0], True, *GOOD[2:]],
        [GOOD[0], 0, *GOOD[2:]],
        [GOOD[0], -1, *GOOD[2:]],
        [GOOD[0], 10**18, *GOOD[2:]],
        [*GOOD[:2], "", *GOOD[3:]],
        [*GOOD[:3], 5, *GOOD[4:]],
        [*GOOD[:3], "", *GOOD[4:]],
        [*GOOD[:4], None, *GOOD[5:]],
        [*GOOD[:5], "15.4.2026", *GOOD[6:]],
        [*GOOD[:5], None, *GOOD[6:]],
        [*GOOD[:6], None],
        [*GOOD, ""],
        [*GOOD, 3],
    ],
)
def test_what_is_no_entry_is_refused(listed):
    with pytest.raises(JournalEntryError) as refused:
        JournalEntry.parse(listed)
    assert refused.value.code == "JOURNAL_ENTRY"


@pytest.mark.parametrize("fen", [0, -1, 10**18, True, "1"])
def test_the_reserve_takes_whole_fen_only(fen):
    with pytest.raises(JournalEntryError):
        ReserveEntry(ReserveKind.FUND, fen)


@pytest.mark.parametrize(
    ("entries", "status"),
    [
        ((), None),
        ((RESERVED,), ReservationStatus.RESERVED),
        ((RESERVED, USED), ReservationStatus.CONSUMED),
        ((RESERVED, RETURNED), ReservationStatus.RETURNED),
        ((RESERVED, opposite(RESERVED, "dsc_1/1")), None),
        ((RESERVED, RETURNED, opposite(RETURNED, "dsc_1/2")), ReservationStatus.RESERVED),
        ((RESERVED, RETURNED, opposite(RETURNED, "dsc_1/2"), USED), ReservationStatus.CONSUMED),
    ],
)
def test_a_discount_s_entries_say_where_its_part_of_the_limits_stands(entries, status):
    assert reservation(named(*entries)) is status


@pytest.mark.parametrize(
    "entries",
    [
        (RESERVED, RESERVED),
        (RESERVED, USED, USED),
        (RESERVED, USED, RETURNED),
        (RESERVED, RETURNED, USED),
        (RESERVED, RETURNED, RETURNED),
    ],
)
def test_a_reservation_is_used_or_returned_once(entries):
    with pytest.raises(TransitionError):
        reservation(named(*entries))


@pytest.mark.parametrize("entry", [USED, RETURNED])
def test_nothing_is_used_or_returned_that_was_not_reserved(entry):
    with pytest.raises(JournalEntryError):
        reservation(named(entry))


@pytest.mark.parametrize(
    "change",
    [
        {"fen": 499},
        {"acceptor_code": "102100099996"},
        {"acceptor_group": "g-1"},
        {"institution_id": "bank-2"},
        {"day": DAY + timedelta(days=1)},
        {"enterprise": OTHER_USCC},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_is_used_is_what_was_reserved(change):
    with pytest.raises(JournalEntryError):
        reservation(named(RESERVED, replace(USED, **change)))


def test_a_wrong_entry_and_its_correction_stand_no_more():
    entries = named(RESERVED, USED, RETURNED, opposite(RETURNED, "dsc_1/3"))
    assert standing(entries) == named(RESERVED, USED)


@pytest.mark.parametrize(
    "correction",
    [
        opposite(USED, "dsc_1/9"),
        opposite(USED, "dsc_1/3"),
        opposite(RESERVED, "dsc_1/2"),
        replace(opposite(USED, "dsc_1/2"), fen=499),
        replace(opposite(USED, "dsc_1/2"), institution_id="bank-2"),
    ],
    ids=["nothing known", "itself", "of another kind", "of another amount", "of another owner"],
)
def test_a_correction_is_the_opposite_of_an_entry_that_stands(correction):
    with pytest.raises(JournalEntryError) as refused:
        standing(named(RESERVED, USED, correction))
    assert refused.value.field == "corrects"


def test_an_entry_is_corrected_once():
    correction = opposite(USED, "dsc_1/2")
    with pytest.raises(JournalEntryError):
        standing(named(RESERVED, USED, correction, correction))


def test_a_correction_is_not_corrected():
    entries = named(RESERVED, opposite(RESERVED, "dsc_1/1"))
    with pytest.raises(JournalEntryError):
        standing({**entries, "dsc_1/3": opposite(RESERVED, "dsc_1/2")})


def test_an_account_nobody_posted_to_is_zero():
    assert Balances().of_account(Account("reserve", Part.PAID_OUT)) == 0


def test_postings_to_one_account_add_up():
    account = Account("acceptor#1", Part.USED)
    assert Balances.of([Posting(account, 3), Posting(account, -1)]).fen == {account: 2}
