"""Lists: whose they are, in which order, in which pages, and which cursors lead through them."""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from datetime import timedelta

import pytest

from fakes import OPEN
from in_memory import PARTNER, Platform, sample_bills
from rongtong.services import lists
from rongtong.services.lists import Asked, InvalidCursorError
from rongtong.services.records import DISCOUNTS, partner_list
from rongtong.services.request_discount import accept

SECOND = timedelta(seconds=1)
ALL = Asked(limit=100)
*BILLS, LATER = [
    bill for bill in sample_bills() if bill.expected == "disbursed" and not bill.quote and not bill.at and not bill.key
][:7]


@pytest.fixture
def platform():
    """Six discounts of one partner, a second apart, and one of another."""
    made = Platform((PARTNER, "partner-b"))
    made.made = []
    for number, bill in enumerate(BILLS):
        made.context.clock.instant = OPEN + number * SECOND
        made.made.append(made.accept(bill, f"key-{number}"))
    made.newest = made.made[::-1]
    return made


def _ids(page):
    return [one["discount_id"] for one in page["discounts"]]


def _all_pages(read, asked):
    """Every page from the first to the last one."""
    pages = [read(asked)]
    while pages[-1]["next_cursor"]:
        assert len(pages) < 50, "the list does not end"
        pages.append(read(replace(asked, cursor=pages[-1]["next_cursor"])))
    return pages


def test_a_partner_s_discounts_are_listed_newest_first(platform):
    page = lists.discounts(platform.context, ALL, partner_id=PARTNER)
    assert (_ids(page), page["next_cursor"]) == (platform.newest, None)


def test_another_partner_sees_none_of_them(platform):
    assert lists.discounts(platform.context, ALL, partner_id="partner-b")["discounts"] == []


def test_an_institution_sees_what_it_funds_whoever_asked_for_it(platform):
    wanted = BILLS[0].request["institution_id"]
    funded = [made for made in platform.newest if platform.body(made)["institution_id"] == wanted]
    assert _ids(lists.discounts(platform.context, ALL, institution_id=wanted)) == funded
    assert lists.discounts(platform.context, ALL, institution_id=PARTNER)["discounts"] == []


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 6])
def test_pages_of_any_size_have_each_once(platform, limit):
    pages = _all_pages(
        lambda asked: lists.discounts(platform.context, asked, partner_id=PARTNER), replace(ALL, limit=limit)
    )
    assert [one for page in pages for one in _ids(page)] == platform.newest
    assert all(len(page["discounts"]) <= limit for page in pages)


def test_what_is_made_meanwhile_moves_no_page(platform):
    first = lists.discounts(platform.context, replace(ALL, limit=2), partner_id=PARTNER)
    platform.context.clock.instant += SECOND
    newer = platform.accept(LATER, "key-later")
    rest = lists.discounts(platform.context, replace(ALL, cursor=first["next_cursor"]), partner_id=PARTNER)
    assert _ids(first) + _ids(rest) == platform.newest
    assert _ids(lists.discounts(platform.context, ALL, partner_id=PARTNER))[0] == newer


def test_a_filter_leaves_out_what_does_not_fit_and_still_comes_to_the_end(platform):
    platform.run(platform.made[1])
    platform.run(platform.made[4])
    pages = _all_pages(
        lambda asked: lists.discounts(platform.context, asked, partner_id=PARTNER, status="DISBURSED"),
        replace(ALL, limit=1),
    )
    assert [one for page in pages for one in _ids(page)] == [platform.made[4], platform.made[1]]


def test_a_list_is_filtered_by_its_enterprise(platform):
    enterprise_id = platform.body(platform.made[0])["enterprise_id"]
    own = [made for made in platform.newest if platform.body(made)["enterprise_id"] == enterprise_id]
    page = lists.discounts(platform.context, ALL, partner_id=PARTNER, enterprise_id=enterprise_id)
    assert _ids(page) == own
    assert 0 < len(own) < len(BILLS)


def test_a_filter_that_fits_little_reads_so_much_at_once_and_says_where_to_go_on(platform, monkeypatch):
    monkeypatch.setattr(lists, "_READ_AT_ONCE", 1)
    page = lists.discounts(platform.context, ALL, partner_id=PARTNER, status="DISBURSED")
    assert page["discounts"] == []
    rest = lists.discounts(platform.context, replace(ALL, cursor=page["next_cursor"]), partner_id=PARTNER)
    assert _ids(rest) == platform.newest[5:]


@pytest.mark.parametrize(
    ("since", "until", "found"),
    [(2, None, [5, 4, 3, 2]), (None, 2, [1, 0]), (1, 3, [2, 1]), (3, 3, []), (4, 1, []), (2.0005, 3.0005, [3, 2])],
)
def test_since_is_included_and_until_is_not(platform, since, until, found):
    asked = Asked(
        limit=100,
        since=None if since is None else OPEN + since * SECOND,
        until=None if until is None else OPEN + until * SECOND,
    )
    page = lists.discounts(platform.context, asked, partner_id=PARTNER)
    assert _ids(page) == [platform.made[number] for number in found]


def test_the_first_and_the_last_year_are_instants_too(platform):
    first, last = OPEN.replace(year=1, month=1, day=1), OPEN.replace(year=9999, month=12, day=31)
    assert lists.discounts(platform.context, Asked(100, until=first), partner_id=PARTNER)["discounts"] == []
    assert lists.discounts(platform.context, Asked(100, since=last), partner_id=PARTNER)["discounts"] == []
    whole = lists.discounts(platform.context, Asked(100, since=first, until=last), partner_id=PARTNER)
    assert _ids(whole) == platform.newest


def test_fields_are_what_is_shown_beside_the_id(platform):
    page = lists.discounts(platform.context, Asked(limit=1, fields=("status", "face_fen")), partner_id=PARTNER)
    assert page["discounts"] == [
        {"discount_id": platform.newest[0], "status": "ACCEPTED", "face_fen": BILLS[5].request["bill"]["amount_fen"]}
    ]


def test_enterprises_and_quotes_are_listed_by_their_partner(platform):
    enterprises = lists.enterprises(platform.context, ALL, partner_id=PARTNER)["enterprises"]
    own = {enterprise_id for (partner, _), enterprise_id in platform.ids.items() if partner == PARTNER}
    assert {one["enterprise_id"] for one in enterprises} == own
    refused = lists.enterprises(platform.context, ALL, partner_id=PARTNER, status="PENDING")
    assert refused["enterprises"] == []
    quoted = platform.quote(next(bill for bill in sample_bills() if bill.quote))
    assert [one["quote_id"] for one in lists.quotes(platform.context, ALL, partner_id=PARTNER)["quotes"]] == [quoted]


def _cursor(platform):
    return lists.discounts(platform.context, replace(ALL, limit=2), partner_id=PARTNER)["next_cursor"]


def _refused(platform, cursor, read=lists.discounts, partner=PARTNER):
    with pytest.raises(InvalidCursorError) as refused:
        read(platform.context, replace(ALL, cursor=cursor), partner_id=partner)
    return refused.value.field


def test_a_cursor_is_of_no_use_to_another_tenant_or_in_another_list(platform):
    cursor = _cursor(platform)
    assert _refused(platform, cursor, partner="partner-b") == "cursor"
    assert _refused(platform, cursor, read=lists.enterprises) == "cursor"


def test_a_cursor_with_one_character_changed_is_refused(platform):
    cursor = _cursor(platform)
    for at in range(len(cursor)):
        _refused(platform, cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :])


@pytest.mark.parametrize("cursor", ["", "A", "AAAA", "====", "ü", "x" * 500, "e30", "bnVsbA"])
def test_what_is_no_cursor_is_refused_by_name(platform, cursor):
    _refused(platform, cursor)


def test_a_cursor_that_was_cut_off_or_lengthened_is_refused(platform):
    cursor = _cursor(platform)
    for changed in (cursor[:-1], cursor[1:], cursor + "A", cursor + "=", cursor + "\n"):
        _refused(platform, changed)


def test_a_place_that_was_made_up_is_refused(platform):
    content = urlsafe_b64decode(_cursor(platform) + "==")
    place = json.dumps(["2026-04-15T02:00:00.000Z", "discount#x", "event#0001"]).encode()
    _refused(platform, urlsafe_b64encode(content[:10] + place).decode().rstrip("="))


@pytest.mark.parametrize("place", [["2026-04-15", "discount#x", 5], ["2026-04-15", "", "state"], [1, "a", "b"], [], {}])
def test_a_place_that_was_made_up_with_its_digest_is_refused_where_the_store_could_not_read_it(platform, place):
    bound = f"{partner_list(PARTNER, DISCOUNTS)}\x1fFalse\x1f".encode()
    content = json.dumps([place], separators=(",", ":")).encode()
    digest = hashlib.sha256(bound + content).digest()[:10]
    _refused(platform, urlsafe_b64encode(digest + content).decode().rstrip("="))


def test_a_repeat_is_told_what_was_accepted_wherever_the_discount_stands():
    made = Platform()
    made.hold(BILLS[0])
    command = made.command(BILLS[0], "key-1")
    first, created = accept(made.context, command)
    made.run(first["discount_id"])
    assert made.body(first["discount_id"])["status"] == "DISBURSED"
    again, created_again = accept(made.context, command)
    assert (json.dumps(again), created, created_again) == (json.dumps(first), True, False)
