"""Black, grey and white lists, and who may make an entry."""

import hashlib
from datetime import date
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.domain.bill import Party
from rongtong.domain.lists import (
    ListEntry,
    ListEntryError,
    ListHit,
    ListName,
    Subject,
    SubjectKind,
    in_force,
    outcome,
    screen,
    subjects_of,
)
from rongtong.domain.two_persons import SamePersonError, require_two_persons

USCC, BANK, ACCOUNT, PERSON = "91310000MA1FL0HA77", "102100099996", "35000000000000000101", "11010519491231002X"
KEY = f"uscc:{USCC}"
DAY = date(2026, 4, 15)
DOCUMENT = {
    "list": "black",
    "subject_key": KEY,
    "version": 1,
    "effective_from": "2026-01-01",
    "effective_until": None,
    "reason": "COURT_NOTICE",
    "added_by": "operations",
    "approved_by": "operations-2",
}
MAKERS = {
    SubjectKind.NAME: Subject.name,
    SubjectKind.USCC: Subject.uscc,
    SubjectKind.RESIDENT_ID: Subject.resident_id,
    SubjectKind.ACCOUNT: Subject.account,
    SubjectKind.BANK_CODE: Subject.bank_code,
}


def _entry(**fields):
    return ListEntry.parse({**DOCUMENT, **fields})


def _refused(document):
    with pytest.raises(ListEntryError) as refused:
        ListEntry.parse(document)
    assert refused.value.code == "LIST_ENTRY"
    return refused.value


def _hash(plain):
    return hashlib.sha256(plain.encode()).hexdigest()


# Subjects


@pytest.mark.parametrize(
    ("subject", "key"),
    [
        (Subject.name("示例（福州）贸易有限责任公司"), "name:示例福州贸易有限公司"),
        (Subject.uscc(USCC), f"uscc:{USCC}"),
        (Subject.bank_code(BANK), f"bank_code:{BANK}"),
        (Subject.account(ACCOUNT), "account:" + _hash(f"account:{ACCOUNT}")),
        (Subject.resident_id(PERSON), "resident_id:" + _hash(f"resident_id:{PERSON}")),
    ],
)
def test_personal_numbers_are_kept_by_their_hash_and_others_plain(subject, key):
    assert subject.key == key


@pytest.mark.parametrize("maker", [Subject.uscc, Subject.resident_id, Subject.account, Subject.bank_code])
@pytest.mark.parametrize("text", ["1234 567x", "1234-567X", "１２３４５６７Ｘ", " 1234567x\n"])
def test_a_number_is_the_same_in_every_writing(maker, text):
    assert maker(text).value == "1234567X"


def test_the_kind_tells_equal_numbers_apart():
    keys = {maker("12345678").key for maker in MAKERS.values()}
    assert [maker("1").kind for maker in MAKERS.values()] == list(MAKERS)
    assert len(keys) == len(MAKERS)


def test_a_name_is_kept_plain_up_to_200_characters_and_by_its_hash_beyond():
    longest, longer = "示" * 195, "示" * 196
    assert Subject.name(longest).key == f"name:{longest}"
    assert Subject.name(longer).key == "name:" + _hash(f"name:{longer}")


@given(st.sampled_from(list(MAKERS.values())), st.text(max_size=300))
def test_a_key_has_at_most_200_characters_and_is_the_same_for_its_own_value(maker, text):
    subject = maker(text)
    assert len(subject.key) <= 200
    assert maker(subject.value) == subject


@pytest.mark.parametrize(
    ("party", "kinds"),
    [
        (Party("示例", USCC, ACCOUNT), ["name", "uscc", "account"]),
        (Party("示例", "", ""), ["name"]),
        (Party("", USCC, " "), ["uscc"]),
        (Party("（）", "-", ACCOUNT), ["account"]),
    ],
)
def test_a_party_is_found_by_each_part_that_it_has(party, kinds):
    assert [subject.kind for subject in subjects_of(party)] == kinds


def test_the_parts_of_a_party_are_its_subjects():
    assert subjects_of(Party("示例（福州）", USCC, ACCOUNT)) == (
        Subject.name("示例福州"),
        Subject.uscc(USCC),
        Subject.account(ACCOUNT),
    )


# Entries


def test_an_entry_reads_as_it_is_written():
    assert _entry(effective_until="2026-12-31", version=3, list="grey") == ListEntry(
        list=ListName.GREY,
        subject_key=KEY,
        version=3,
        effective_from=date(2026, 1, 1),
        effective_until=date(2026, 12, 31),
        reason="COURT_NOTICE",
        added_by="operations",
        approved_by="operations-2",
    )


def test_an_entry_without_end_may_leave_the_end_out():
    document = {name: value for name, value in DOCUMENT.items() if name != "effective_until"}
    assert ListEntry.parse(document) == ListEntry.parse(DOCUMENT)
    assert ListEntry.parse(document).effective_until is None


@pytest.mark.parametrize("name", sorted(set(DOCUMENT) - {"effective_until"}))
def test_every_other_field_is_needed(name):
    refused = _refused({key: value for key, value in DOCUMENT.items() if key != name})
    assert (refused.field, refused.message) == (name, f"A list entry needs {name}.")


def test_of_several_missing_fields_the_first_is_named():
    assert _refused({}).field == "added_by"


def test_an_unknown_field_is_refused():
    refused = _refused({**DOCUMENT, "note": "x", "odd": "y"})
    assert (refused.field, refused.message) == ("note", "A list entry has no note; take it out.")


@pytest.mark.parametrize("document", [[], "text", None, 1])
def test_an_entry_is_an_object(document):
    refused = _refused(document)
    assert (refused.field, refused.message) == ("entry", "A list entry is an object.")


@pytest.mark.parametrize(
    ("field", "values", "message"),
    [
        ("list", ["", "BLACK", "red", None, 1, []], "list is one of black, grey, white."),
        ("version", [0, -1, True, "1", 1.0, None], "version is a whole number, 1 or more."),
        (
            "effective_from",
            [
                "",
                None,
                20260101,
                "2026-02-30",
                "20260101",
                "2026-1-1",
                "２026-01-01",
                "2026-01-01T00:00:00",
                "2026-W01-1",
            ],
            "effective_from is a calendar day like 2026-01-01.",
        ),
        (
            "effective_until",
            ["", 20260101, "2026-02-30", "20270101"],
            "effective_until is a calendar day like 2026-01-01.",
        ),
        ("effective_until", ["2025-12-31"], "An entry ends on the day it begins or later."),
        (
            "reason",
            ["", None, 1, "court", "COURT NOTICE", "1ST", "_A", "A" * 65],
            "reason is a code of at most 64 characters like COURT_NOTICE.",
        ),
        ("added_by", ["", " ", None, 1], "added_by names a person."),
        ("approved_by", ["", "\t", None, []], "approved_by names a person."),
    ],
)
def test_what_a_field_cannot_be_is_refused_by_its_name(field, values, message):
    for value in values:
        refused = _refused({**DOCUMENT, field: value})
        assert (refused.field, refused.message) == (field, message)


@pytest.mark.parametrize("reason", ["A", "A" * 64, "LIST_2026"])
def test_a_reason_is_a_code(reason):
    assert _entry(reason=reason).reason == reason


def test_an_entry_may_end_on_the_day_it_begins():
    assert _entry(effective_until="2026-01-01").effective_until == date(2026, 1, 1)


@pytest.mark.parametrize(
    "subject",
    [
        Subject.name("示例贸易有限公司"),
        Subject.name("示" * 195),
        Subject.name("示" * 300),
        Subject.uscc(USCC),
        Subject.bank_code(BANK),
        Subject.bank_code("314653617115"),
        Subject.account(ACCOUNT),
        Subject.resident_id(PERSON),
    ],
)
def test_the_key_of_every_kind_of_subject_can_be_listed(subject):
    assert _entry(subject_key=subject.key).subject_key == subject.key


@pytest.mark.parametrize(
    "key",
    [
        "",
        "name:",
        "name",
        "name:示例 公司",
        "name:示例有限责任公司",
        "uscc:",
        "uscc:91310000MA1FL0HA78",
        f"USCC:{USCC}",
        f" uscc:{USCC}",
        USCC,
        f"name:{'示' * 196}",
        "bank_code:10210009999",
        "bank_code:1021000999960",
        "bank_code:１02100099996",
        "account:35000000000000000101",
        f"account:{'a' * 63}",
        f"account:{'a' * 65}",
        f"account:{'A' * 64}",
        f"mobile:{'a' * 64}",
        Subject.account("").key,
        Subject.resident_id("").key,
        Subject.uscc("").key,
        None,
        1,
    ],
)
def test_a_key_that_no_subject_can_have_is_refused(key):
    refused = _refused({**DOCUMENT, "subject_key": key})
    assert refused.field == "subject_key"
    assert refused.message == (
        "No subject has this key; give its kind and its whole name or number, and compare the number."
    )


def test_one_person_cannot_make_and_approve_an_entry():
    with pytest.raises(SamePersonError) as refused:
        _entry(approved_by=" Operations ")
    assert (refused.value.code, refused.value.field) == ("SAME_PERSON", "approved_by")


# Two persons


@pytest.mark.parametrize(
    ("maker", "checker"),
    [("a", "a"), ("a", "A"), ("a", " a"), ("a\t", "a"), ("", "a"), ("a", ""), (" ", "a"), ("a", " ")],
)
def test_the_same_person_or_nobody_cannot_approve(maker, checker):
    with pytest.raises(SamePersonError) as refused:
        require_two_persons(maker, checker)
    assert (refused.value.code, refused.value.field) == ("SAME_PERSON", "approved_by")
    assert refused.value.message == (
        "Two different persons are needed, one to propose and one to approve; let another person approve it."
    )


@pytest.mark.parametrize(
    "name",
    [
        "ｏｐｓ-a",
        "ops‐a",
        "ops‑a",
        "ops—a",
        "ops－a",
        "OPS-A",
        "ops-a\u200b",
        "\ufeffops\u00ad-a",
        "ops -\u3000a",
        "ops\u2028-\u2029a",
        "ops-\u00aa",
    ],
)
def test_another_writing_of_a_name_makes_nobody_another_person(name):
    for pair in (("ops-a", name), (name, "ops-a")):
        with pytest.raises(SamePersonError):
            require_two_persons(*pair)


@pytest.mark.parametrize("name", ["\u200b", "\u3000\u00a0", "\n"])
def test_a_name_of_which_nothing_is_seen_is_nobodys(name):
    with pytest.raises(SamePersonError):
        require_two_persons("operations", name)


@pytest.mark.parametrize("checker", ["operations-2", "operations_", "operation", "öperations"])
def test_two_persons_pass(checker):
    assert require_two_persons("operations", checker) is None


def test_a_dash_tells_two_persons_apart():
    assert require_two_persons("ops-a", "opsa") is None


# Which version holds


@pytest.mark.parametrize(
    ("day", "listed"),
    [
        (date(2025, 12, 31), False),
        (date(2026, 1, 1), True),
        (date(2026, 3, 31), True),
        (date(2026, 4, 1), False),
    ],
)
def test_an_entry_holds_from_its_first_day_to_its_last_both_included(day, listed):
    entry = _entry(effective_until="2026-03-31")
    assert in_force([entry], day) == (entry if listed else None)


def test_nothing_is_in_force_without_entries():
    assert in_force([], DAY) is None


FIRST = _entry(version=1)
ENDED = _entry(version=2, effective_from="2026-02-01", effective_until="2026-03-31")
COMING = _entry(version=3, effective_from="2026-06-01")


@pytest.mark.parametrize("entries", list(permutations((FIRST, ENDED, COMING))))
@pytest.mark.parametrize(
    ("day", "holds"),
    [
        (date(2026, 1, 31), FIRST),
        (date(2026, 2, 1), ENDED),
        (date(2026, 3, 31), ENDED),
        (date(2026, 4, 1), None),
        (date(2026, 5, 31), None),
        (date(2026, 6, 1), COMING),
    ],
)
def test_the_highest_version_that_has_begun_holds_and_once_ended_nothing_does(entries, day, holds):
    assert in_force(entries, day) == holds


@pytest.mark.parametrize("higher", ["white", "grey"])
def test_a_later_entry_of_another_list_does_not_take_a_subject_off_the_black_list(higher):
    black, other = _entry(version=1), _entry(version=2, list=higher)
    assert in_force([black, other], DAY) == black
    assert in_force([other, black], DAY) == black


def test_after_the_end_of_the_black_entry_the_grey_one_shows():
    black, grey = _entry(version=2, effective_until="2026-04-14"), _entry(version=1, list="grey")
    assert in_force([black, grey], DAY) == grey
    assert in_force([black, grey], date(2026, 4, 14)) == black


# Screening

BANK_KEY, NAME_KEY, ACCOUNT_KEY = (s.key for s in (Subject.bank_code(BANK), Subject.name("示例"), Subject.account("1")))
SUBJECTS = [Subject.name("示例"), Subject.uscc(USCC), Subject.account("1"), Subject.bank_code(BANK)]


def test_hits_come_gravest_first_and_name_list_version_and_reason():
    entries = {
        BANK_KEY: [_entry(subject_key=BANK_KEY, list="white", reason="KNOWN")],
        NAME_KEY: [_entry(subject_key=NAME_KEY, list="grey", version=4, reason="NEWS")],
        KEY: [_entry(list="black", version=2)],
    }
    assert screen(SUBJECTS, entries, DAY) == (
        ListHit(KEY, ListName.BLACK, 2, "COURT_NOTICE"),
        ListHit(NAME_KEY, ListName.GREY, 4, "NEWS"),
        ListHit(BANK_KEY, ListName.WHITE, 1, "KNOWN"),
    )


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_kind_of_subject_alone_is_a_hit(subject):
    hits = screen(SUBJECTS, {subject.key: [_entry(subject_key=subject.key)]}, DAY)
    assert [hit.subject_key for hit in hits] == [subject.key]
    assert outcome(hits) == "reject"


def test_hits_of_equal_gravity_are_in_the_order_of_their_keys_whatever_the_order_asked():
    entries = {subject.key: [_entry(subject_key=subject.key)] for subject in SUBJECTS}
    hits = screen([*SUBJECTS, *SUBJECTS], entries, DAY)
    assert [hit.subject_key for hit in hits] == sorted(entries)
    assert screen(reversed(SUBJECTS), entries, DAY) == hits


def test_an_entry_on_another_subject_or_out_of_its_period_is_no_hit():
    entries = {KEY: [_entry(effective_until="2026-04-14")], NAME_KEY: [], "name:他": [_entry(subject_key="name:他")]}
    assert screen(SUBJECTS, entries, DAY) == ()


def _hits(*lists):
    return [ListHit(f"name:{at}", ListName(name), 1, "R") for at, name in enumerate(lists)]


@pytest.mark.parametrize(
    ("lists", "comes_to"),
    [
        ((), "pass"),
        (("white",), "pass"),
        (("grey",), "review"),
        (("white", "grey"), "review"),
        (("grey", "white"), "review"),
        (("black",), "reject"),
        (("white", "black"), "reject"),
        (("grey", "black", "white"), "reject"),
    ],
)
def test_a_white_hit_never_outweighs_another(lists, comes_to):
    assert outcome(_hits(*lists)) == comes_to
