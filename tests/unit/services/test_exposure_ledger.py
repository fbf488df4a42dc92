"""The books of the limits: every sum follows from the entries beside the events, and the check finds what does not."""

from datetime import date, timedelta

import pytest

from in_memory import Platform, sample_bills
from rongtong.domain.errors import RongTongError
from rongtong.domain.exposure import ReservationStatus
from rongtong.domain.exposure_ledger import EntryKind, JournalEntry, opposite, reservation
from rongtong.services import changes
from rongtong.services.bank_notices import take
from rongtong.services.compensation_reserve import RESERVE_PK, ReservePostingError, pay_by, read_reserve
from rongtong.services.disburse import disburse
from rongtong.services.exposure_ledger import check, entry_of
from rongtong.services.incidents import IncidentStatus, newest
from rongtong.services.records import event_document
from rongtong.services.reservations import holdings_of
from rongtong.services.seal import seal
from rongtong.services.storage import Count, Create
from rongtong.services.unwind import unwind

BILLS = sample_bills()
GOOD = BILLS[2]
FEN = GOOD.request["bill"]["amount_fen"]
ACCEPTOR = f"acceptor#{GOOD.request['bill']['acceptor_bank_code']}"
ENTERPRISE = f"enterprise#{GOOD.holder_uscc}"
DAY = "2026-04-15"
CHECKED_AT = timedelta(hours=10)


def _evening(platform):
    """After service hours nothing moves, and everything is compared."""
    platform.context.clock.instant += CHECKED_AT
    return platform


def _clean(report):
    return report["differences"], report["faults"], report["moving"], report["trial_fen"]


@pytest.fixture(scope="module")
def whole_file():
    """All sample bills with their outcomes: paid, refused, failed, and waiting for a person."""
    platform = Platform()
    outcomes = {status for status, _ in platform.outcomes(BILLS)}
    assert {"disbursed", "refused", "failed", "in_review"} <= outcomes
    return _evening(platform)


@pytest.fixture
def platform():
    return Platform()


@pytest.fixture
def paid(platform):
    """One discount, paid, after service hours."""
    discount_id = platform.accept(GOOD)
    platform.run(discount_id)
    assert platform.body(discount_id)["status"] == "DISBURSED"
    return _evening(platform), discount_id


def _entries(platform, discount_id):
    """The discount's entries by event number, as they are stored."""
    events = platform.context.store.query(f"discount#{discount_id}", "event#")
    kept = [(item.body["event"]["n"], item.body.get("beside", {}).get("journal")) for item in events]
    return {number: listed for number, listed in kept if listed}


def _rewrite(platform, discount_id, number, change):
    """Alter a stored event behind the platform's back."""
    item = platform.context.store.get(f"discount#{discount_id}", f"event#{number:04d}")
    platform.context.store.transact([item.replaced(change(item.body))])


def _append(platform, discount_id, listed):
    """Append an event that bears this entry; its number."""
    number = len(platform.context.store.query(f"discount#{discount_id}", "event#")) + 1
    at = platform.context.clock.now() - CHECKED_AT
    body = event_document("discount_id", discount_id, number, "LimitsCorrected", at, {}, {"journal": listed})
    platform.context.store.transact([Create(f"discount#{discount_id}", f"event#{number:04d}", body)])
    return number


def _found(report, account, against):
    return [
        (one["posted_fen"], one["found_fen"])
        for one in report["differences"]
        if (one["account"], one["against"]) == (account, against)
    ]


def _open_incidents(platform):
    return [one for one in newest(platform.context, IncidentStatus.OPEN)["incidents"] if one["kind"] == "LIMITS_DIFFER"]


def test_the_books_of_a_whole_file_of_discounts_are_clean(whole_file):
    report = check(whole_file.context)
    assert _clean(report) == ([], [], [], 0)
    assert report["discounts"] == len(whole_file.context.store.states("discount#")) > 200
    assert _open_incidents(whole_file) == []


def test_every_discount_s_entries_say_what_its_partner_is_shown(whole_file):
    wanted = {
        "DISBURSED": ReservationStatus.CONSUMED,
        "REFUSED": ReservationStatus.RETURNED,
        "FAILED": ReservationStatus.RETURNED,
        "IN_REVIEW": ReservationStatus.RESERVED,
    }
    for item in whole_file.context.store.states("discount#"):
        request = whole_file.context.store.get(item.pk, "event#0001").body["event"]["data"]
        listed = _entries(whole_file, item.body["discount_id"])
        entries = {str(n): JournalEntry.parse(one, request["applicant_uscc"]) for n, one in listed.items()}
        assert reservation(entries) is wanted[item.body["status"]]


def test_discounts_on_several_days_and_in_several_years_are_clean(platform):
    clock = platform.context.clock
    first = platform.accept(GOOD, "key-1")
    clock.instant = clock.instant.replace(day=16)
    platform.run(platform.accept(BILLS[3], "key-2"))
    platform.run(first)
    clock.instant = clock.instant.replace(month=5, day=6)
    platform.accept(BILLS[4], "key-3")
    assert _clean(check(_evening(platform).context)) == ([], [], [], 0)


def test_a_payment_that_came_back_leaves_the_limits_used(paid):
    platform, discount_id = paid
    reference = platform.context.store.get(f"discount#{discount_id}", "payment#1").body["reference"]
    take(platform.context, platform.bank.send_back(reference))
    assert platform.body(discount_id)["status"] == "RETURNED"
    assert _clean(check(_evening(platform).context)) == ([], [], [], 0)


def test_what_is_paid_again_is_not_used_twice(paid):
    platform, discount_id = paid
    reference = platform.context.store.get(f"discount#{discount_id}", "payment#1").body["reference"]
    take(platform.context, platform.bank.send_back(reference))
    platform.context.clock.instant += timedelta(hours=14)
    repayment = {"discount_id": discount_id, "series": 2, "reason": "ACCOUNT_MENDED"}
    _make(platform, "repayment", repayment, "repay")
    seal(platform.context, discount_id)
    disburse(platform.context, discount_id)
    assert (platform.body(discount_id)["status"], platform.body(discount_id)["series"]) == ("DISBURSED", 2)
    assert [listed[0] for listed in _entries(platform, discount_id).values()] == ["reserve", "use"]
    assert _clean(check(_evening(platform).context)) == ([], [], [], 0)


def test_an_entry_lies_in_the_event_that_causes_it_and_nowhere_else(paid):
    platform, discount_id = paid
    kinds = {number: listed[0] for number, listed in _entries(platform, discount_id).items()}
    events = {
        item.body["event"]["n"]: item for item in platform.context.store.query(f"discount#{discount_id}", "event#")
    }
    assert {events[number].body["event"]["type"]: kind for number, kind in kinds.items()} == {
        "DiscountRequested": "reserve",
        "DiscountPaid": "use",
    }
    assert "journal" not in str([item.body["event"] for item in events.values()])
    assert list(platform.context.store.scan("journal#")) == []


def test_a_tampered_counter_is_named_with_both_figures(paid):
    platform, _ = paid
    platform.context.store.transact([Count(f"exposure#{ACCEPTOR}", "used", 7)])
    report = check(platform.context)
    assert report["differences"] == [
        {"account": ACCEPTOR, "against": "counter", "posted_fen": FEN, "found_fen": FEN + 7}
    ]
    assert report["faults"] == []


def test_a_counter_of_nobody_s_is_named(paid):
    platform, _ = paid
    platform.context.store.transact([Count("exposure#client#1", "used", 5), Count("exposure#acceptor#9", "used", 6)])
    report = check(platform.context)
    assert _found(report, "client#1", "counter") == [(0, 5)]
    assert _found(report, "acceptor#9", "counter") == [(0, 6)]
    assert len(report["differences"]) == 2


@pytest.mark.parametrize("period", ["day", "month", "year"])
def test_a_tampered_turnover_is_named_with_both_figures(paid, period):
    platform, _ = paid
    item = platform.context.store.get(f"exposure#{ENTERPRISE}", "used")
    platform.context.store.transact([item.replaced({**item.body, f"{period}_fen": FEN - 1})])
    report = check(platform.context)
    assert report["differences"] == [
        {"account": f"{ENTERPRISE}/{period}", "against": "turnover", "posted_fen": FEN, "found_fen": FEN - 1}
    ]


def test_a_turnover_moved_to_another_day_is_found(paid):
    platform, _ = paid
    item = platform.context.store.get(f"exposure#{ENTERPRISE}", "used")
    platform.context.store.transact([item.replaced({**item.body, "day": "2026-04-16"})])
    assert _found(check(platform.context), f"{ENTERPRISE}/day", "turnover") == [(0, FEN)]


def test_a_lost_posting_is_found_on_every_account_and_at_its_discount(paid):
    platform, discount_id = paid
    number = max(_entries(platform, discount_id))
    _rewrite(platform, discount_id, number, lambda body: {**body, "beside": {}})
    report = check(platform.context)
    assert _found(report, f"{ACCEPTOR}/used", "discounts") == [(0, FEN)]
    assert _found(report, f"{ACCEPTOR}/reserved", "discounts") == [(FEN, 0)]
    assert _found(report, f"{ENTERPRISE}#{DAY}/used", "discounts") == [(0, FEN)]
    assert report["faults"] == [
        {"subject": discount_id, "what": "STATE", "posted": "RESERVED", "found": "CONSUMED"},
    ]


def test_a_discount_without_any_posting_is_found(paid):
    platform, discount_id = paid
    for number in _entries(platform, discount_id):
        _rewrite(platform, discount_id, number, lambda body: {**body, "beside": {}})
    report = check(platform.context)
    assert _found(report, ACCEPTOR, "counter") == [(0, FEN)]
    assert _found(report, f"{ENTERPRISE}/year", "turnover") == [(0, FEN)]
    assert [(fault["posted"], fault["found"]) for fault in report["faults"]] == [(None, "CONSUMED")]


def test_an_entry_of_another_amount_is_found(paid):
    platform, discount_id = paid
    first = _entries(platform, discount_id)[1]
    _rewrite(platform, discount_id, 1, lambda body: {**body, "beside": {"journal": [first[0], FEN + 1, *first[2:]]}})
    report = check(platform.context)
    assert _found(report, f"{ACCEPTOR}/reserved", "discounts") == [(1, 0)]
    assert [(fault["subject"], fault["what"]) for fault in report["faults"]] == [(discount_id, "JOURNAL_ENTRY")]


@pytest.mark.parametrize(
    ("listed", "code"),
    [
        ("all of it", "JOURNAL_ENTRY"),
        (["use", FEN, "1", None, "bank-1", DAY, "client money"], "LEDGER_ACCOUNT"),
    ],
)
def test_an_entry_that_cannot_be_posted_is_named_by_its_event(paid, listed, code):
    platform, discount_id = paid
    number = max(_entries(platform, discount_id))
    _rewrite(platform, discount_id, number, lambda body: {**body, "beside": {"journal": listed}})
    faults = [(fault["subject"], fault["what"]) for fault in check(platform.context)["faults"]]
    assert (f"{discount_id}/{number}", code) in faults


def test_a_wrong_entry_is_found_and_settled_by_a_correction_that_is_appended(paid):
    platform, discount_id = paid
    used = JournalEntry.parse(_entries(platform, discount_id)[max(_entries(platform, discount_id))])
    wrong = _append(platform, discount_id, used.as_list())
    report = check(platform.context)
    assert _found(report, ACCEPTOR, "counter") == []
    assert _found(report, f"{ACCEPTOR}/used", "discounts") == [(2 * FEN, FEN)]
    assert [fault["what"] for fault in report["faults"]] == ["TRANSITION_NOT_ALLOWED"]
    before = dict(platform.context.store.items)
    _append(platform, discount_id, opposite(used, f"{discount_id}/{wrong}").as_list())
    assert _clean(check(platform.context)) == ([], [], [], 0)
    assert before.items() <= platform.context.store.items.items()


def test_a_difference_opens_one_incident_however_often_it_is_checked(paid):
    platform, _ = paid
    platform.context.store.transact([Count(f"exposure#{ACCEPTOR}", "used", 7)])
    for _ in range(2):
        report = check(platform.context)
    (incident,) = _open_incidents(platform)
    assert incident["data"]["differences"] == report["differences"]
    assert (incident["data"]["differences_count"], incident["data"]["faults_count"]) == (1, 0)


def test_another_difference_opens_another_incident(paid):
    platform, _ = paid
    for _ in range(2):
        platform.context.store.transact([Count(f"exposure#{ACCEPTOR}", "used", 7)])
        check(platform.context)
    assert len(_open_incidents(platform)) == 2


def test_what_moved_a_moment_ago_is_not_compared_but_named(platform):
    platform.accept(GOOD)
    platform.context.store.transact([Count(f"exposure#{ACCEPTOR}", "used", 7)])
    report = check(platform.context)
    assert report["differences"] == []
    assert {ACCEPTOR, ENTERPRISE, f"platform#{DAY}"} <= set(report["moving"])


def test_what_is_accepted_while_the_check_reads_is_no_difference(paid):
    platform, _ = paid
    scan = platform.context.store.scan

    def accepted_meanwhile(pk_prefix, sk_prefix=""):
        found = list(scan(pk_prefix, sk_prefix))
        if pk_prefix == "exposure#":
            platform.context.clock.instant -= CHECKED_AT
            platform.accept(BILLS[3], "key-2")
            platform.context.clock.instant += CHECKED_AT
        return iter(found)

    platform.context.store.scan = accepted_meanwhile
    report = check(platform.context)
    assert (report["discounts"], report["differences"]) == (2, [])


@pytest.mark.parametrize("read_last", ["state", "event#"])
def test_what_ends_while_the_check_reads_is_no_difference(platform, read_last):
    discount_id = platform.accept(GOOD)
    _evening(platform)
    scan = platform.context.store.scan

    def ended_meanwhile(pk_prefix, sk_prefix=""):
        if pk_prefix != "discount#":
            yield from scan(pk_prefix, sk_prefix)
            return
        yield from [item for item in scan(pk_prefix) if not item.sk.startswith(read_last)]
        unwind(platform.context, discount_id, "OPERATOR", refused=False)
        yield from [item for item in scan(pk_prefix) if item.sk.startswith(read_last)]

    platform.context.store.scan = ended_meanwhile
    report = check(platform.context)
    assert (report["differences"], report["faults"]) == ([], [])
    assert ACCEPTOR in report["moving"]


def test_a_counter_that_moves_while_the_check_reads_is_no_difference(paid):
    platform, _ = paid
    scan = platform.context.store.scan

    def counter_first(pk_prefix, sk_prefix=""):
        if pk_prefix == "discount#":
            platform.context.store.transact([Count(f"exposure#{ACCEPTOR}", "used", 7)])
        yield from scan(pk_prefix, sk_prefix)

    platform.context.store.scan = counter_first
    platform.context.store.counters[f"exposure#{ACCEPTOR}", "used"] -= 7
    report = check(platform.context)
    assert (report["differences"], report["moving"]) == ([], [ACCEPTOR])


@pytest.mark.parametrize("kind", EntryKind)
def test_an_entry_says_what_its_discount_holds(paid, kind):
    platform, discount_id = paid
    request = platform.context.store.get(f"discount#{discount_id}", "event#0001").body["event"]["data"]
    holdings = holdings_of(platform.body(discount_id), request, date.fromisoformat(DAY))
    listed = entry_of(kind, holdings)
    assert listed[:4] == [kind.value, FEN, request["acceptor_bank_code"], None]
    assert listed[4:6] == [GOOD.request["institution_id"], DAY]
    assert listed[6:] == ([] if kind is EntryKind.RESERVE else [GOOD.holder_uscc])


FUND = {"entry": "fund", "amount_fen": 1_000, "reference": "F-1", "why": "YEARLY_FUNDING", "institution_id": "bank-1"}
PAY = {"entry": "compensate", "amount_fen": 400, "reference": "C-1", "why": "PAID_LATE", "reported_on": "2026-04-14"}
CORRECT_PAY = {"entry": "correct", "amount_fen": 400, "reference": "C-2", "why": "WRONG_CLAIM", "corrects": "C-1"}
NOTHING = {"funded_fen": 0, "available_fen": 0, "paid_out_fen": 0, "due": []}


def _make(platform, kind, content, key):
    change_id = changes.propose(platform.context, "operations", key, kind, content)["change_id"]
    return changes.decide(platform.context, "operations-2", change_id, approve=True)


def _post(platform, **content):
    return _make(platform, "reserve_posting", content, content["reference"] + content["entry"])


def _refused(platform, **content):
    """Why the entry is refused, and at which part; the reserve's partition stays as it was."""
    before = platform.context.store.query(RESERVE_PK, "")
    with pytest.raises(RongTongError) as refused:
        _post(platform, **content)
    assert platform.context.store.query(RESERVE_PK, "") == before
    return refused.value.code, refused.value.field


def test_what_is_funded_is_available_and_what_is_compensated_paid_out(platform):
    _post(platform, **FUND)
    _post(platform, **PAY)
    report = check(platform.context)
    due = [{"reference": "C-1", "amount_fen": 400, "pay_by": "2026-04-28"}]
    assert report["reserve"] == {"funded_fen": 1_000, "available_fen": 600, "paid_out_fen": 400, "due": due}
    assert (report["trial_fen"], report["faults"]) == (0, [])


def test_an_entry_keeps_who_made_it(platform):
    _post(platform, **FUND)
    body = platform.context.store.get(RESERVE_PK, "F-1").body
    assert (body["proposed_by"], body["approved_by"], body["amount_fen"]) == ("operations", "operations-2", 1_000)


def test_one_person_alone_posts_nothing(platform):
    changes.propose(platform.context, "operations", "key-1", "reserve_posting", FUND)
    assert check(platform.context)["reserve"] == NOTHING


def test_a_reference_is_used_once(platform):
    _post(platform, **FUND)
    assert _refused(platform, **{**PAY, "reference": "F-1"}) == ("RESERVE_POSTING", "content.reference")


def test_two_proposals_of_one_reference_make_one_entry(platform):
    ids = [
        changes.propose(platform.context, "operations", key, "reserve_posting", FUND)["change_id"] for key in ("a", "b")
    ]
    changes.decide(platform.context, "operations-2", ids[0], approve=True)
    with pytest.raises(ReservePostingError):
        changes.decide(platform.context, "operations-2", ids[1], approve=True)
    assert check(platform.context)["reserve"]["funded_fen"] == 1_000


def test_an_entry_made_meanwhile_is_not_overwritten(platform):
    propose, decide = changes.propose, changes.decide
    first, second = (
        propose(platform.context, "operations", key, "reserve_posting", {**FUND, "amount_fen": fen})["change_id"]
        for key, fen in (("a", 1_000), ("b", 2_000))
    )
    query = platform.context.store.query

    def other_next(*asked):
        platform.context.store.query = query
        found = query(*asked)
        decide(platform.context, "operations-2", first, approve=True)
        return found

    platform.context.store.query = other_next
    with pytest.raises(ReservePostingError):
        decide(platform.context, "operations-2", second, approve=True)
    assert check(platform.context)["reserve"]["funded_fen"] == 1_000


def test_a_correction_appends_the_opposite_and_changes_nothing(platform):
    _post(platform, **FUND)
    _post(platform, **PAY)
    before = {item.sk: item for item in platform.context.store.query(RESERVE_PK, "")}
    _post(platform, **CORRECT_PAY)
    after = {item.sk: item for item in platform.context.store.query(RESERVE_PK, "")}
    assert before.items() <= after.items()
    assert set(after) - set(before) == {"C-2"}
    reserve = check(platform.context)["reserve"]
    assert (reserve["available_fen"], reserve["paid_out_fen"], reserve["due"]) == (1_000, 0, [])


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({**CORRECT_PAY, "reference": "C-3", "corrects": "C-9"}, "content.corrects"),
        ({**CORRECT_PAY, "reference": "C-3", "corrects": "F-1", "amount_fen": 399}, "content.amount_fen"),
        ({**CORRECT_PAY, "reference": "C-3", "corrects": "C-2"}, "content.corrects"),
        ({**CORRECT_PAY, "reference": "C-3"}, "content.corrects"),
        ({**PAY, "reference": "C-3", "amount_fen": 1_001}, "content.amount_fen"),
        ({**PAY, "reference": "C-3", "reported_on": "2026-04-16"}, "content.reported_on"),
    ],
    ids=["of nothing", "of a part", "of a correction", "a second time", "more than there is", "reported tomorrow"],
)
def test_what_does_not_fit_the_entries_before_is_refused(platform, content, field):
    for entry in (FUND, PAY, CORRECT_PAY):
        _post(platform, **entry)
    assert _refused(platform, **content) == ("RESERVE_POSTING", field)


def test_a_funding_that_was_paid_out_cannot_be_corrected_away(platform):
    _post(platform, **FUND)
    _post(platform, **PAY)
    correction = {**CORRECT_PAY, "amount_fen": 1_000, "corrects": "F-1"}
    assert _refused(platform, **correction) == ("RESERVE_POSTING", "content.amount_fen")


def test_a_funder_must_exist(platform):
    assert _refused(platform, **{**FUND, "institution_id": "bank-9"})[0] == "INSTITUTION_UNKNOWN"


def test_the_platform_funds_of_its_own_where_no_institution_is_named(platform):
    _post(platform, **{name: value for name, value in FUND.items() if name != "institution_id"})
    assert check(platform.context)["reserve"]["funded_fen"] == 1_000


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"entry": "borrow"}, "entry"),
        ({"entry": ["fund"]}, "entry"),
        ({"amount_fen": 0}, "amount_fen"),
        ({"amount_fen": "1"}, "amount_fen"),
        ({"amount_fen": True}, "amount_fen"),
        ({"amount_fen": 10**18}, "amount_fen"),
        ({"reference": ""}, "reference"),
        ({"reference": "F#1"}, "reference"),
        ({"reference": None}, "reference"),
        ({"why": "because"}, "why"),
        ({"institution_id": ""}, "institution_id"),
        ({"institution_id": None}, "institution_id"),
        ({"client": "91350200MA2XXXXX1Q"}, "client"),
        ({"corrects": "F-0"}, "corrects"),
        ({"pay_by": "2099-01-01"}, "pay_by"),
        ({"of": "fund"}, "of"),
    ],
)
def test_an_entry_that_cannot_be_read_is_refused_when_proposed(platform, change, field):
    with pytest.raises(ReservePostingError) as refused:
        changes.propose(platform.context, "operations", "key-1", "reserve_posting", {**FUND, **change})
    assert refused.value.field == f"content.{field}"
    assert platform.context.store.states("change#") == []


@pytest.mark.parametrize("day", ["2026-02-30", "20260415", "yesterday", 5])
def test_the_day_of_a_report_is_a_day(platform, day):
    assert _refused(platform, **{**PAY, "reported_on": day}) == ("RESERVE_POSTING", "content.reported_on")


def test_a_correction_says_what_it_corrects(platform):
    content = {name: value for name, value in CORRECT_PAY.items() if name != "corrects"}
    assert _refused(platform, **content) == ("RESERVE_POSTING", "content.corrects")


@pytest.mark.parametrize(
    ("reported_on", "last_day"),
    [
        ("2026-04-14", "2026-04-28"),
        ("2026-04-11", "2026-04-24"),
        ("2026-04-24", "2026-05-12"),
    ],
    ids=["a weekday", "a Saturday", "before Labour Day, with a worked Saturday"],
)
def test_a_compensation_is_due_on_the_tenth_working_day_after_the_report(platform, reported_on, last_day):
    assert pay_by(platform.context.calendar, date.fromisoformat(reported_on)).isoformat() == last_day


def test_the_deadline_is_kept_with_the_compensation(platform):
    _post(platform, **FUND)
    _post(platform, **PAY)
    _post(platform, **{name: PAY[name] for name in PAY if name != "reported_on"} | {"reference": "C-5"})
    kept = {item.sk: item.body.get("pay_by") for item in platform.context.store.query(RESERVE_PK, "")}
    assert kept == {"F-1": None, "C-1": "2026-04-28", "C-5": "2026-04-29"}


def test_a_deadline_in_a_year_without_a_confirmed_calendar_is_not_guessed(platform):
    platform.context.clock.instant = platform.context.clock.instant.replace(month=12, day=28)
    _post(platform, **FUND)
    refused = _refused(platform, **{**PAY, "reported_on": "2026-12-28"})
    assert refused[0] == "CALENDAR_UNCONFIRMED"


PAID = {"entry": "paid", "amount_fen": 400, "reference": "B-77", "why": "BANK_PAID", "pays": "C-1"}


def test_a_compensation_is_due_until_its_payment_is_entered_and_the_ledger_does_not_move(platform):
    _post(platform, **FUND)
    _post(platform, **PAY)
    before = check(platform.context)["reserve"]
    _post(platform, **PAID)
    report = check(platform.context)
    assert report["reserve"] == {**before, "due": []}
    assert (report["trial_fen"], report["faults"]) == (0, [])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"pays": "C-9"}, "content.pays"),
        ({"pays": "F-1"}, "content.pays"),
        ({"amount_fen": 399}, "content.amount_fen"),
        ({"pays": None}, "content.pays"),
        ({"reference": "C-1"}, "content.reference"),
        ({"reported_on": "2026-04-14"}, "content.reported_on"),
    ],
)
def test_what_pays_no_compensation_is_refused(platform, change, field):
    _post(platform, **FUND)
    _post(platform, **PAY)
    assert _refused(platform, **{**PAID, **change}) == ("RESERVE_POSTING", field)


def test_a_compensation_is_paid_once_and_is_corrected_no_more(platform):
    for entry in (FUND, PAY, PAID):
        _post(platform, **entry)
    assert _refused(platform, **{**PAID, "reference": "B-78"}) == ("RESERVE_POSTING", "content.pays")
    assert _refused(platform, **CORRECT_PAY) == ("RESERVE_POSTING", "content.corrects")


def test_a_payment_that_was_entered_by_mistake_is_corrected_and_the_compensation_is_due_again(platform):
    for entry in (FUND, PAY):
        _post(platform, **entry)
    before = check(platform.context)["reserve"]
    _post(platform, **PAID)
    wrong = {**CORRECT_PAY, "reference": "B-78", "corrects": "B-77", "amount_fen": 399}
    assert _refused(platform, **wrong) == ("RESERVE_POSTING", "content.amount_fen")
    _post(platform, **{**wrong, "reference": "B-80", "amount_fen": 400})
    assert check(platform.context)["reserve"] == before
    _post(platform, **{**PAID, "reference": "B-79"})
    assert check(platform.context)["reserve"]["due"] == []


def test_a_compensation_that_is_not_paid_by_its_last_day_stays_due_and_is_overdue(platform):
    _post(platform, **FUND)
    _post(platform, **PAY)
    platform.context.clock.instant = platform.context.clock.instant.replace(day=28)
    assert read_reserve(platform.context).overdue == []
    platform.context.clock.instant = platform.context.clock.instant.replace(day=29)
    reserve = read_reserve(platform.context)
    assert [one["reference"] for one in reserve.overdue] == ["C-1"]
    assert reserve.due == reserve.overdue


def test_an_overdrawn_reserve_is_found(platform):
    _post(platform, **FUND)
    body = platform.context.store.get(RESERVE_PK, "F-1").body
    lost = {**body, "entry": "compensate", "amount_fen": 1_500, "reference": "C-1", "institution_id": None}
    platform.context.store.transact([Create(RESERVE_PK, "C-1", lost)])
    assert check(platform.context)["faults"] == [{"subject": "reserve", "what": "OVERDRAWN"}]


def test_a_foreign_document_among_the_reserve_s_entries_is_found(platform):
    platform.context.store.transact([Create(RESERVE_PK, "X-1", {"amount_fen": 5})])
    assert check(platform.context)["faults"] == [{"subject": "X-1", "what": "UNREADABLE"}]


def test_no_partner_sees_the_books(paid):
    from rongtong.services.discounts import timeline, view

    platform, discount_id = paid
    shown = f"{view(platform.body(discount_id))}{timeline(platform.context, platform.discount(discount_id))}"
    assert "journal" not in shown
