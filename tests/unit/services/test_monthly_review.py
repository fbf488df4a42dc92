"""The monthly review: what it counts, whom it restricts, that it is done once however often it stops, its report."""

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from driven_jobs import drive
from fakes import FixedClock
from in_memory import PARTNER, Platform, sample_bills
from rongtong.domain.incident import IncidentStatus
from rongtong.domain.jobs import Job
from rongtong.services import changes, incidents, jobs
from rongtong.services.errors import NotFoundError
from rongtong.services.monthly_figures import figures_pk
from rongtong.services.monthly_review import STEPS, ReportAlteredError, read
from rongtong.services.records import POLICY_KEY, STATE
from rongtong.services.suspension import SuspendedError, SuspensionScope, is_enterprise_suspended, newest, suspend

APRIL, MAY = "2026-04", "2026-05"
PLAIN = [bill for bill in sample_bills()[:40] if bill.expected == "disbursed"]
DEALT, LATER = PLAIN[:12], PLAIN[12]
GOOD = sample_bills()[2]
ALL_QUICK = {"threshold": 1, "least_discounts": 1, "most_days": 365, "action": "RESTRICT"}
"""With it every company that discounts is restricted."""


class Hurried(FixedClock):
    """So little time passes that a piece has room for some customers only."""

    def monotonic(self):
        self.slept_s += 10
        return self.slept_s


def month_later(platform, months=1):
    platform.context.clock.instant = datetime(2026, 4 + months, 1, tzinfo=UTC)


def set_rules(platform, **rules):
    policy = platform.context.store.get(*POLICY_KEY)
    platform.context.store.transact([policy.replaced({**policy.body, "monthly_review": rules})])


def customers(platform):
    """The enterprises that may discount; one of the samples could not be registered."""
    return [one for one in platform.ids.values() if platform.enterprise(one).body["status"] == "ACTIVE"]


def discount(platform, bill, partner=PARTNER):
    discount_id = platform.accept(bill, f"key-{bill.line}", partner)
    platform.run(discount_id)
    return discount_id


def review(platform, **event):
    return drive(platform.context, Job.MONTHLY_REVIEW, STEPS, **event)


def figures(platform, month=APRIL, uscc=GOOD.holder_uscc):
    return platform.context.store.get(figures_pk(uscc), month).body


def restricted(platform):
    return {one["id"] for one in newest(platform.context)}


@pytest.fixture
def platform():
    """Some discounts in April."""
    platform = Platform()
    for bill in DEALT:
        discount(platform, bill)
    return platform


def test_a_company_s_month_is_what_it_discounted_in_it(platform):
    month_later(platform)
    found = review(platform)
    own = [bill for bill in DEALT if bill.holder_uscc == GOOD.holder_uscc]
    counted = figures(platform)
    assert (counted["discounts"], counted["unpaid"]) == (len(own), 0)
    assert counted["fen"] == sum(bill.request["bill"]["amount_fen"] for bill in own)
    buyers = Counter()
    for bill in own:
        buyers[bill.request["trade"]["order_buyer_uscc"]] += bill.request["bill"]["amount_fen"]
    assert counted["buyers"] == buyers
    assert (found["enterprises"], found["discounts"], found["restricted"]) == (len(customers(platform)), len(DEALT), 0)


def test_what_is_asked_for_after_the_month_is_not_the_month_s(platform):
    platform.context.clock.instant = datetime(2026, 5, 6, 2, tzinfo=UTC)
    discount(platform, LATER)
    assert review(platform, period=APRIL)["discounts"] == len(DEALT)
    month_later(platform, 2)
    assert review(platform)["discounts"] == 1


def test_a_company_at_risk_is_restricted_and_a_person_looks_at_it(platform):
    set_rules(platform, QUICK_DISCOUNT=ALL_QUICK)
    month_later(platform)
    found = review(platform)
    own_id = platform.ids[PARTNER, GOOD.holder_uscc]
    assert own_id in restricted(platform)
    assert found["restricted"] == len(restricted(platform))
    platform.context.clock.instant = datetime(2026, 5, 6, 2, tzinfo=UTC)
    with pytest.raises(SuspendedError):
        platform.accept(GOOD, "key-later")
    opened = incidents.newest(platform.context, IncidentStatus.OPEN)["incidents"]
    (own,) = [one for one in opened if one["subject"] == GOOD.holder_uscc]
    assert own["data"] == {"period": APRIL, "rules": ["QUICK_DISCOUNT"], "restricted": True}


def test_a_restriction_is_an_event_that_the_evidence_log_takes(platform):
    set_rules(platform, QUICK_DISCOUNT=ALL_QUICK)
    month_later(platform)
    review(platform)
    told = [item.body["event"] for item in platform.context.store.scan("suspended#entry#", "event#")]
    own_id = platform.ids[PARTNER, GOOD.holder_uscc]
    (own,) = [event["data"] for event in told if event["data"]["id"] == own_id]
    assert own == {"scope": "enterprise", "id": own_id, "reason": "MONTHLY_REVIEW", "by": "monthly-review"}


def test_a_company_that_only_needs_a_look_goes_on(platform):
    set_rules(platform, QUICK_DISCOUNT={**ALL_QUICK, "action": "REVIEW"})
    month_later(platform)
    found = review(platform)
    assert (restricted(platform), found["restricted"]) == (set(), 0)
    assert found["to_review"] == len(incidents.newest(platform.context, IncidentStatus.OPEN)["incidents"]) > 0


def test_what_is_only_reported_neither_stops_nor_asks_anybody(platform):
    set_rules(platform, QUICK_DISCOUNT={**ALL_QUICK, "action": "NONE"})
    month_later(platform)
    found = review(platform)
    assert (found["findings"] > 0, found["restricted"], found["to_review"]) == (True, 0, 0)
    assert incidents.newest(platform.context, IncidentStatus.OPEN)["incidents"] == []


def test_who_was_released_by_two_persons_is_not_restricted_again_for_the_same_month(platform):
    set_rules(platform, QUICK_DISCOUNT=ALL_QUICK)
    month_later(platform)
    review(platform)
    own_id = platform.ids[PARTNER, GOOD.holder_uscc]
    content = {"scope": "enterprise", "id": own_id, "reason": "FILES_SEEN"}
    change_id = changes.propose(platform.context, "operations", "key-1", "release", content)["change_id"]
    changes.decide(platform.context, "operations-2", change_id, approve=True)
    review(platform, again=True)
    assert not is_enterprise_suspended(platform.context, own_id)
    month_later(platform, 2)
    assert review(platform)["restricted"] == 0


def test_whom_a_person_had_suspended_already_is_not_called_restricted(platform):
    set_rules(platform, QUICK_DISCOUNT=ALL_QUICK)
    month_later(platform)
    own_id = platform.ids[PARTNER, GOOD.holder_uscc]
    suspend(platform.context, "operations", "key-1", SuspensionScope.ENTERPRISE, own_id, "FILES_MISSING")
    found = review(platform)
    opened = incidents.newest(platform.context, IncidentStatus.OPEN)["incidents"]
    told = {one["subject"]: one["data"]["restricted"] for one in opened}
    assert told.pop(GOOD.holder_uscc) is False
    assert set(told.values()) == {True}
    assert found["restricted"] == len(restricted(platform) - {own_id})


def test_a_company_that_comes_through_two_platforms_is_judged_once_and_restricted_on_both():
    platform = Platform(partners=(PARTNER, "partner-b"))
    set_rules(platform, QUICK_DISCOUNT=ALL_QUICK)
    discount(platform, GOOD)
    month_later(platform)
    found = review(platform)
    assert (found["findings"], found["restricted"]) == (1, 2)
    assert restricted(platform) == {platform.ids[partner, GOOD.holder_uscc] for partner in (PARTNER, "partner-b")}
    assert found["companies"] * 2 == found["enterprises"] == len(customers(platform))


def test_companies_that_discount_each_other_s_bills_are_found(platform):
    month_later(platform)
    other = next(uscc for _, uscc in platform.ids if uscc != GOOD.holder_uscc)
    began = jobs.step(platform.context, Job.MONTHLY_REVIEW, STEPS, {"do": "begin"})
    for stage in ("customers", "figures"):
        jobs.step(platform.context, Job.MONTHLY_REVIEW, STEPS, {"do": stage, "period": began["period"]})
    for uscc, buyer in ((GOOD.holder_uscc, other), (other, GOOD.holder_uscc)):
        item = platform.context.store.get(figures_pk(uscc), APRIL)
        changed = {**item.body, "discounts": 1, "fen": 20_000_000, "buyers": {buyer: 20_000_000}}
        platform.context.store.transact([item.replaced(changed)])
    review(platform)
    assert restricted(platform) == {platform.ids[PARTNER, uscc] for uscc in (GOOD.holder_uscc, other)}


def test_the_next_month_looks_back_at_kept_figures_and_reads_none_of_the_old_discounts(platform):
    month_later(platform)
    review(platform)
    kept, store = figures(platform), platform.context.store
    for key in [key for key in store.items if key[0].startswith("discount#")]:
        del store.items[key]
    month_later(platform, 2)
    assert review(platform)["discounts"] == 0
    assert (figures(platform), figures(platform, MAY)["discounts"]) == (kept, 0)


def test_a_month_without_figures_is_read_from_the_discounts(platform):
    month_later(platform)
    review(platform)
    kept = figures(platform)
    del platform.context.store.items[figures_pk(GOOD.holder_uscc), APRIL]
    month_later(platform, 2)
    review(platform)
    assert {name: figures(platform)[name] for name in ("discounts", "fen", "buyers")} == {
        name: kept[name] for name in ("discounts", "fen", "buyers")
    }


def test_a_run_goes_on_in_pieces_and_says_how_far_it_is(platform):
    clock = Hurried(datetime(2026, 5, 1, tzinfo=UTC))
    platform.context = replace(platform.context, clock=clock)
    seen = []
    jobs.step(platform.context, Job.MONTHLY_REVIEW, STEPS, {"do": "begin"})
    jobs.step(platform.context, Job.MONTHLY_REVIEW, STEPS, {"do": "customers", "period": APRIL})
    while True:
        done = jobs.step(platform.context, Job.MONTHLY_REVIEW, STEPS, {"do": "figures", "period": APRIL})
        if not done["more"]:
            break
        seen.append(done["progress"])
    total = len(customers(platform))
    assert seen == [f"{at} of {total} enterprises" for at in range(4, total, 4)]
    assert done["progress"] == f"{total} of {total} enterprises"


class KilledError(Exception):
    """The function's process is gone."""


def _outcome(platform):
    """What the review has done to others: who is restricted and how often, what is open, the figures."""
    store = platform.context.store
    stops = Counter(item.body["id"] for item in store.scan("suspended#entry#", STATE))
    opened = Counter(item.body["subject"] for item in store.scan("incident#", STATE))
    kept = {
        item.pk: {name: value for name, value in item.body.items() if name != "made_at"}
        for item in store.scan("figures#", APRIL)
    }
    return stops, opened, kept


def _without_report(found):
    """The report says when the review began."""
    return {name: value for name, value in found.items() if not name.startswith(("report", "data"))}


class Again:
    """A platform with a few customers in May, put back to how it was as often as it is asked for."""

    def __init__(self):
        self._platform = Platform()
        for bill in DEALT[:3]:
            discount(self._platform, bill)
        set_rules(self._platform, QUICK_DISCOUNT=ALL_QUICK)
        holders = {self._platform.ids[PARTNER, bill.holder_uscc] for bill in DEALT[:3]}
        store = self._platform.context.store
        for key in [key for key in store.items if key[0].startswith("enterprise#") and key[0][11:] not in holders]:
            del store.items[key]
        self._items = dict(store.items)

    def fresh(self):
        store = self._platform.context.store
        store.items = dict(self._items)
        store.before_write = store.after_write = lambda _: None
        month_later(self._platform)
        return self._platform


def test_killed_at_any_write_it_does_everything_once_when_it_is_started_again():
    prepared, at, done = Again(), 0, False
    platform = prepared.fresh()
    found, wanted = review(platform), _outcome(platform)
    while not done:
        platform, writes = prepared.fresh(), []

        def die(batch, writes=writes, last=at // 2 + 1):
            writes.append(batch)
            if len(writes) == last:
                raise KilledError

        # At each write once before it and once behind it.
        setattr(platform.context.store, ("before_write", "after_write")[at % 2], die)
        at += 1
        try:
            review(platform)
            done = True
        except KilledError:
            platform.context.clock.instant += timedelta(minutes=1)
            review(platform)
            run = jobs.load(platform.context, Job.MONTHLY_REVIEW, APRIL).body
            assert _without_report(run["found"]) == _without_report(found)
        assert _outcome(platform) == wanted
    assert at > 8 * found["restricted"]


def test_the_report_s_hash_is_what_the_run_has_found_and_tells_the_evidence_log(platform):
    month_later(platform)
    found = review(platform)
    (event,) = [
        item.body["event"]["data"]
        for item in platform.context.store.query(f"run#monthly_review#{APRIL}", "event#")
        if item.body["event"]["type"] == "JobFinished"
    ]
    assert event["report_sha256"] == found["report_sha256"] in event["report_key"]
    assert read(platform.context, APRIL) == platform.context.archive.objects[found["report_key"]]


def test_the_report_names_companies_masked_and_asks_nothing_of_any_other_place(platform):
    set_rules(platform, QUICK_DISCOUNT=ALL_QUICK)
    month_later(platform)
    review(platform)
    page = read(platform.context, APRIL).decode()
    name = platform.enterprise(platform.ids[PARTNER, GOOD.holder_uscc]).body["name"]
    assert GOOD.holder_uscc in page
    assert name not in page
    assert page.count("<svg") == 2
    assert re.findall(r"(?:src|href|url)\s*[=(]", page) == []
    assert set(re.findall(r"https?://[^\"]+", page)) == {"http://www.w3.org/2000/svg"}


def test_a_report_that_was_altered_is_not_shown(platform):
    month_later(platform)
    key = review(platform)["report_key"]
    platform.context.archive.objects[key] += b" "
    with pytest.raises(ReportAlteredError):
        read(platform.context, APRIL)
    del platform.context.archive.objects[key]
    with pytest.raises(ReportAlteredError):
        read(platform.context, APRIL)


def test_there_is_no_report_before_the_review(platform):
    with pytest.raises(NotFoundError):
        read(platform.context, APRIL)
    month_later(platform)
    jobs.step(platform.context, Job.MONTHLY_REVIEW, STEPS, {"do": "begin"})
    with pytest.raises(NotFoundError):
        read(platform.context, APRIL)
