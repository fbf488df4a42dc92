"""Bills looked at ahead of time: nothing is reserved, nothing is relied on that may have changed, both ways agree."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bill_files import INSTITUTIONS, command, json_of, stored_bill
from in_memory import PARTNER, Platform, sample_bills
from rongtong.domain.bill_codes import BillStatus, Circulation, RiskMark
from rongtong.domain.errors import RongTongError
from rongtong.domain.measures import BILLS_QUEUE_AGE
from rongtong.domain.prequalification import Freshness, FreshnessError
from rongtong.services import bills
from rongtong.services.bill_imports import begin
from rongtong.services.ports import RegistryUnavailableError
from rongtong.services.storage import BILL_LANE, Create
from rongtong.services.verify_bill import verify
from rongtong.services.watch import watch

SAMPLES = [bill for bill in sample_bills() if not bill.at and not bill.key]
GOOD = next(bill for bill in SAMPLES if bill.expected == "disbursed" and bill.bill and bill.invoice and not bill.quote)
TRI_FLOW = next(bill for bill in SAMPLES if "invoice_number" not in bill.request["trade"] and not bill.reason)
REVIEWED = next(bill for bill in SAMPLES if bill.expected == "in_review")
PRICE = ("annual_rate", "days", "interest_fen", "proceeds_fen", "due_date", "fee_fen")


class Counted:
    """A registry that counts who asks, and may be down."""

    def __init__(self, registry):
        self.registry, self.asked, self.down = registry, 0, False

    def find(self, *arguments):
        self.asked += 1
        if self.down:
            raise RegistryUnavailableError("down")
        return self.registry.find(*arguments)

    def __getattr__(self, name):
        return getattr(self.registry, name)


def make_platform():
    platform = Platform()
    context = platform.context
    platform.context = replace(context, bills=Counted(context.bills), invoices=Counted(context.invoices))
    return platform


@pytest.fixture
def platform():
    return make_platform()


def look(platform, *samples):
    """Import the bills and look at them once; what is found of the first, None where it was not even imported."""
    for sample in samples:
        platform.hold(sample)
    begin(platform.context, command(json_of(platform, list(samples)), file_format="json"))
    look_after(platform)
    if platform.context.store.states("bill#"):
        return stored_bill(platform, samples[0]).body
    return None


def look_after(platform, **later):
    platform.context.clock.instant += timedelta(**later) if later else timedelta(seconds=1)
    return bills.look_after(platform.context)


def decision(platform, discount_id):
    body = platform.body(discount_id)
    return body["status"], body.get("verdict"), body.get("reason"), *(body.get(name) for name in PRICE)


def verified(platform, sample, **changes):
    """What verification decides on a request for the bill, or why it is not even accepted."""
    try:
        discount_id = platform.accept(sample, "key-1", **changes)
    except RongTongError as error:
        return "refused", error.code
    verify(platform.context, discount_id)
    return decision(platform, discount_id)


def short_way(platform, sample):
    """The decision on a bill that was looked at ahead, and how often the tax authority was asked for it."""
    before = platform.context.invoices.asked
    return verified(platform, sample), platform.context.invoices.asked - before


def taken(platform):
    return platform.used(), len(platform.context.store.states("discount#"))


# ---- what is found --------------------------------------------------------------------------------------------------


def test_a_good_bill_is_qualified_with_a_price_of_every_institution_and_nothing_reserved(platform):
    before = taken(platform)
    body = look(platform, GOOD)
    ahead = body["prequalification"]
    assert (body["status"], ahead["outcome"], ahead["reason"]) == ("QUALIFIED", "approve", None)
    assert [offer["institution_id"] for offer in ahead["offers"]] == list(INSTITUTIONS)
    assert taken(platform) == before
    assert platform.context.bills.taken == {}


def test_the_price_ahead_is_the_price_of_the_discount(platform):
    body = look(platform, GOOD)
    institution = GOOD.request["institution_id"]
    offer = next(one for one in body["prequalification"]["offers"] if one["institution_id"] == institution)
    verified(platform, GOOD)
    (discount,) = platform.context.store.states("discount#")
    assert {name: offer.get(name) for name in PRICE} == {name: discount.body.get(name) for name in PRICE}


def test_a_bill_that_a_person_would_look_at_is_marked_so(platform):
    body = look(platform, REVIEWED)
    assert (body["status"], body["prequalification"]["reason"]) == ("REVIEW", REVIEWED.reason)


def test_a_bill_that_the_registry_does_not_know_is_not_qualified(platform):
    begin(platform.context, command(json_of(platform, [GOOD]), file_format="json"))
    look_after(platform)
    body = stored_bill(platform, GOOD).body
    assert (body["status"], body["prequalification"]["reason"]) == ("NOT_QUALIFIED", "BILL_NOT_FOUND")
    assert "kept" not in body


def test_a_range_that_is_being_discounted_is_not_qualified(platform):
    platform.accept(GOOD)
    body = look(platform, GOOD)
    assert (body["status"], body["prequalification"]["reason"]) == ("NOT_QUALIFIED", "RANGE_TAKEN")


@pytest.mark.parametrize(
    "limits",
    [
        {"bill_fen": 1},
        {"enterprise": {"day_fen": 1}},
        {"acceptor_fen": 1},
        {"groups": {"g": {"limit_fen": 1, "members": [GOOD.request["bill"]["acceptor_bank_code"]]}}},
        {"platform_day_fen": 1},
    ],
)
def test_a_limit_that_has_no_room_is_told_where_the_price_would_be(platform, limits):
    item = platform.context.store.get("platform", "limits")
    platform.context.store.transact([item.replaced(limits)])
    body = look(platform, GOOD)
    assert {offer["reason"] for offer in body["prequalification"]["offers"]} == {"LIMIT_EXCEEDED"}
    assert verified(platform, GOOD) == ("refused", "LIMIT_EXCEEDED")


def test_an_institution_without_room_or_rate_is_named_beside_those_that_have_it(platform):
    for name, change in (("bank-1", {"limit_fen": 1}), ("bank-2", {"rate_tables": []})):
        item = platform.context.store.get(f"institution#{name}", "state")
        platform.context.store.transact([item.replaced({**item.body, **change})])
    offers = look(platform, GOOD)["prequalification"]["offers"]
    assert [offer["reason"] for offer in offers] == ["LIMIT_EXCEEDED", "NO_RATE", None]


def test_what_is_shown_of_lists_is_no_more_than_a_refused_discount_says(platform):
    drawer = stored_drawer(platform)
    _list(platform, drawer, "black")
    ahead = look(platform, GOOD)["prequalification"]
    assert (ahead["reason"], ahead["found"]) == ("PARTY_REFUSED", [["risk", "reject", "PARTY_REFUSED"]])


def stored_drawer(platform):
    return GOOD.bill["drawer"]["uscc"]


def _list(platform, uscc, colour):
    entry = {
        "list": colour,
        "subject_key": f"uscc:{uscc}",
        "version": 1,
        "effective_from": "2026-01-01",
        "effective_until": None,
        "reason": "SAMPLE",
        "added_by": "operations",
        "approved_by": "operations-2",
    }
    pk, store = f"listed#uscc:{uscc}", platform.context.store
    known = store.get(pk, "state")
    if known is None:
        store.transact([Create(pk, "state", {"entries": [entry]})])
    else:
        store.transact([known.replaced({"entries": [*known.body["entries"], entry]})])


# ---- the short way --------------------------------------------------------------------------------------------------


def test_a_bill_looked_at_ahead_needs_no_answer_of_the_tax_authority_and_the_event_says_so(platform):
    look(platform, GOOD)
    platform.context.invoices.down = True
    decided, asked = short_way(platform, GOOD)
    assert (decided[0], asked) == ("VERIFIED", 0)
    (discount,) = platform.context.store.states("discount#")
    event = platform.context.store.get(discount.pk, "event#0002").body["event"]
    assert event["data"]["invoice_checked_at"] == stored_bill(platform, GOOD).body["kept"]["checked_at"]


def test_the_registry_is_asked_for_every_discount(platform):
    look(platform, GOOD)
    before = platform.context.bills.asked
    short_way(platform, GOOD)
    assert platform.context.bills.asked == before + 1


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"line {sample.line}")
def test_both_ways_decide_the_same(sample):
    long_way = verified(make_platform(), sample)
    ahead = make_platform()
    look(ahead, sample)
    decided, _ = short_way(ahead, sample)
    assert decided == long_way


def test_what_both_ways_are_compared_on_goes_the_short_way(platform):
    invoiced = [sample for sample in _CHANGEABLE if "invoice_number" in sample.request["trade"]]
    samples = [sample for sample in invoiced if stored_once(sample)]
    look(platform, *samples)
    kept = [sample for sample in samples if "kept" in stored_bill(platform, sample).body]
    assert kept == samples
    assert len(kept) > 50


def stored_once(sample):
    """Whose bill no other line of the file has a part of."""
    same = [one for one in _CHANGEABLE if one.request["bill"]["number"] == sample.request["bill"]["number"]]
    return same == [sample]


def _registry(**changes):
    def change(platform, sample):
        (held,) = platform.context.bills.holdings[sample.request["bill"]["number"]]
        platform.context.bills.add(replace(held, **changes))

    return change


def _holder(platform, sample):
    (held,) = platform.context.bills.holdings[sample.request["bill"]["number"]]
    platform.context.bills.add(replace(held, holder=held.drawer))


def _listed(colour):
    def change(platform, sample):
        _list(platform, sample.request["trade"]["order_buyer_uscc"], colour)

    return change


def _limit(platform, sample):
    item = platform.context.store.get("platform", "limits")
    platform.context.store.transact([item.replaced({**item.body, "bill_fen": 1})])


def _policy(**changes):
    def change(platform, sample):
        item = platform.context.store.get("platform", "policy")
        platform.context.store.transact([item.replaced({**item.body, **changes})])

    return change


def _rates(platform, sample):
    item = platform.context.store.get(f"institution#{sample.request['institution_id']}", "state")
    platform.context.store.transact([item.replaced({**item.body, "rate_tables": []})])


def _other_discount(platform, sample):
    """Another discount on the same order and invoice, so that nothing is left of them."""
    other = next(one for one in _CHANGEABLE if one.holder_uscc == sample.holder_uscc and one.line != sample.line)
    trade = {name: sample.request["trade"].get(name) for name in ("order_number", "invoice_number")}
    try:
        platform.accept(other, "other", institution_id=sample.request["institution_id"], **trade)
    except RongTongError:
        return


CHANGES = {
    "circulation": _registry(circulation=Circulation.LOCKED),
    "status": _registry(status=BillStatus.SETTLED),
    "risk mark": _registry(risk=next(mark for mark in RiskMark if mark is not RiskMark.NONE)),
    "disclosure": _registry(disclosure="inconsistent"),
    "holder": _holder,
    "black list": _listed("black"),
    "grey list": _listed("grey"),
    "limit": _limit,
    "blocked acceptor": _policy(blocked_acceptors=[GOOD.request["bill"]["acceptor_bank_code"]]),
    "risk rule": _policy(risk_rules={"LARGE_AMOUNT": {"threshold": 1}}),
    "no rates": _rates,
    "order used": _other_discount,
}
_CHANGEABLE = [
    sample
    for sample in SAMPLES
    if sample.bill
    and sample.invoice
    and not sample.quote
    and sample.expected in ("disbursed", "in_review")
    and "deal_amount_fen" not in sample.request["bill"]
]


@pytest.mark.parametrize("name", sorted(set(CHANGES) - {"disclosure"}))
def test_what_changed_since_is_noticed(name):
    ahead, fresh = make_platform(), make_platform()
    look(ahead, GOOD)
    before = verified(make_platform(), GOOD)
    for platform in (ahead, fresh):
        platform.hold(GOOD)
        CHANGES[name](platform, GOOD)
    ahead.hold, fresh.hold = (lambda sample: None), (lambda sample: None)
    decided = verified(ahead, GOOD)
    assert decided == verified(fresh, GOOD)
    assert decided[:3] != before[:3]


@given(
    sample=st.sampled_from(_CHANGEABLE),
    changes=st.lists(st.sampled_from(sorted(CHANGES)), max_size=3, unique=True),
    stated=st.sampled_from(
        [
            {},
            {"order_number": "OTHER"},
            {"order_amount_fen": 1},
            {"order_date": "2026-04-14"},
            {"payee_account": "1" * 12},
            {"issue_date": "2026-03-01"},
            {"acceptor_bank_code": "102100099996"},
            {"confirmed": False},
        ]
    ),
    minutes=st.integers(0, 300),
)
@settings(max_examples=60, deadline=None)
def test_whatever_changed_and_whatever_is_stated_both_ways_decide_the_same(sample, changes, stated, minutes):
    ahead, fresh = make_platform(), make_platform()
    look(ahead, sample)
    fresh.context.clock.instant = ahead.context.clock.instant
    fresh.hold(sample)
    for platform in (ahead, fresh):
        platform.hold = lambda sample: None
    for name in changes:
        for platform in (ahead, fresh):
            if name not in ("black list", "grey list") or not {"black list", "grey list"} <= set(changes):
                CHANGES[name](platform, sample)
    for platform in (ahead, fresh):
        platform.context.clock.instant += timedelta(minutes=minutes)
    assert verified(ahead, sample, **stated) == verified(fresh, sample, **stated)


@pytest.mark.parametrize("change", ["circulation", "disclosure"])
def test_where_the_registry_says_anything_new_the_tax_authority_is_asked_too(platform, change):
    look(platform, GOOD)
    CHANGES[change](platform, GOOD)
    platform.hold = lambda sample: None
    assert short_way(platform, GOOD)[1] == 1


@pytest.mark.parametrize(
    "stated",
    [
        {"order_number": "OTHER"},
        {"order_date": "2026-01-17"},
        {"order_amount_fen": 10**14},
        {"deliveries": ({"number": "D", "date": "2026-02-01", "consignee_uscc": "91350100MA0001202D"},)},
        {"issue_date": "2026-03-05"},
    ],
)
def test_where_the_request_states_anything_else_than_the_import_the_way_is_the_long_one(platform, stated):
    look(platform, GOOD)
    before = platform.context.invoices.asked
    verified(platform, GOOD, **stated)
    assert platform.context.invoices.asked == before + 1


def test_what_another_partner_imported_is_not_relied_on():
    platform = Platform(("partner-a", "partner-b"))
    platform.context = replace(platform.context, invoices=Counted(platform.context.invoices))
    look(platform, GOOD)
    before = platform.context.invoices.asked
    verify(platform.context, platform.accept(GOOD, partner="partner-b"))
    assert platform.context.invoices.asked == before + 1


def test_an_invoice_is_relied_on_for_as_long_as_the_policy_says_and_not_a_minute_more(platform):
    look(platform, GOOD)
    checked_at = datetime.fromisoformat(stored_bill(platform, GOOD).body["kept"]["checked_at"])
    platform.context.clock.instant = checked_at + timedelta(minutes=240)
    assert short_way(platform, GOOD)[1] == 1


def test_up_to_the_last_minute_it_is(platform):
    look(platform, GOOD)
    checked_at = datetime.fromisoformat(stored_bill(platform, GOOD).body["kept"]["checked_at"])
    platform.context.clock.instant = checked_at + timedelta(minutes=239)
    assert short_way(platform, GOOD)[1] == 0


@pytest.mark.parametrize("bad", [{"status": "red"}, {"status": "cancelled"}, {"used_by": "another bank"}])
def test_a_bad_answer_is_never_kept_since_it_may_be_mended(platform, bad):
    platform.hold(GOOD)
    number = GOOD.invoice["number"]
    invoices = platform.context.invoices.invoices
    good, invoices[number] = invoices[number], replace(invoices[number], **bad)
    begin(platform.context, command(json_of(platform, [GOOD]), file_format="json"))
    look_after(platform)
    assert stored_bill(platform, GOOD).body["status"] == "NOT_QUALIFIED"
    invoices[number] = good
    assert short_way(platform, GOOD)[0][0] == "VERIFIED"


def test_a_bill_proved_by_its_money_flows_goes_as_it_would_anyway(platform):
    look(platform, TRI_FLOW)
    assert "kept" not in stored_bill(platform, TRI_FLOW).body
    assert verified(platform, TRI_FLOW)[0] == "VERIFIED"


# ---- kept fresh -----------------------------------------------------------------------------------------------------


def due_at(platform, sample):
    return datetime.fromisoformat(stored_bill(platform, sample).due)


def test_a_bill_is_looked_at_again_before_what_was_found_is_out_of_date(platform):
    body = look(platform, GOOD)
    checked_at = datetime.fromisoformat(body["prequalification"]["checked_at"])
    assert timedelta(minutes=45) <= due_at(platform, GOOD) - checked_at <= timedelta(minutes=60)
    CHANGES["circulation"](platform, GOOD)
    assert look_after(platform, minutes=61)["bills"] == 1
    assert stored_bill(platform, GOOD).body["status"] == "NOT_QUALIFIED"


def test_bills_that_came_together_are_looked_at_again_at_different_times(platform):
    samples = [sample for sample in _CHANGEABLE if sample.expected == "disbursed"][:20]
    look(platform, *samples)
    assert len({due_at(platform, sample) for sample in samples}) == len(samples)


def test_a_refused_bill_is_looked_at_less_often(platform):
    begin(platform.context, command(json_of(platform, [GOOD]), file_format="json"))
    look_after(platform)
    assert due_at(platform, GOOD) - platform.context.clock.now() > timedelta(hours=4)


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (datetime(2026, 4, 15, 8, 50, tzinfo=UTC), 16),  # 16:50 on a Wednesday
        (datetime(2026, 4, 17, 8, 50, tzinfo=UTC), 20),  # 16:50 on a Friday
        (datetime(2026, 4, 14, 22, 0, tzinfo=UTC), 15),  # 06:00 on a Wednesday
    ],
)
def test_nobody_is_asked_in_the_night_or_on_a_holiday(platform, at, day):
    platform.context.clock.instant = at
    look(platform, GOOD)
    opening = datetime(2026, 4, day, 1, 0, tzinfo=UTC)
    assert opening - timedelta(hours=1) <= due_at(platform, GOOD) <= opening


def test_a_bill_that_matured_is_left_alone(platform):
    look(platform, GOOD)
    platform.context.clock.instant = datetime(2026, 7, 5, 2, 0, tzinfo=UTC)
    asked = platform.context.bills.asked
    bills.look_after(platform.context)
    item = stored_bill(platform, GOOD)
    assert (item.body["status"], item.due, platform.context.bills.asked) == ("MATURED", None, asked)


def test_where_a_registry_does_not_answer_what_was_found_stays_and_the_bill_is_put_off(platform):
    body = look(platform, GOOD)
    platform.context.bills.down = True
    done = look_after(platform, minutes=61)
    assert (done["bills"], done["failed"]) == (0, ["REGISTRY_UNAVAILABLE"])
    stored = stored_bill(platform, GOOD)
    assert {name: value for name, value in stored.body.items() if name != "put_off"} == body
    assert "put_off" not in bills.view(stored)
    assert due_at(platform, GOOD) == platform.context.clock.now() + timedelta(minutes=5)


def test_a_bill_waits_the_longer_the_oftener_it_is_put_off_and_no_more_once_it_was_looked_at(platform):
    look(platform, GOOD)
    began = datetime.fromisoformat(stored_bill(platform, GOOD).due)
    platform.context.bills.down = True
    platform.context.clock.instant = began
    for _ in range(40):
        look_after(platform, minutes=1)

    def waited():
        return watch(platform.context, dict)["measures"][BILLS_QUEUE_AGE]

    assert waited() == 40 * 60
    platform.context.bills.down = False
    look_after(platform, minutes=6)
    assert waited() == 0


def test_a_registry_that_is_down_is_not_asked_for_every_bill(platform):
    samples = [sample for sample in _CHANGEABLE if sample.expected == "disbursed"][:20]
    begin(platform.context, command(json_of(platform, samples), file_format="json"))
    platform.context.bills.down = True
    look_after(platform)
    assert platform.context.bills.asked == 8


def test_the_worker_stops_when_its_time_is_up_and_goes_on_a_minute_later(platform):
    samples = [sample for sample in _CHANGEABLE if sample.expected == "disbursed"][:12]
    for sample in samples:
        platform.hold(sample)
    begin(platform.context, command(json_of(platform, samples), file_format="json"))
    clock, find = platform.context.clock, platform.context.bills.find
    platform.context.bills.find = lambda *arguments: (clock.sleep(15), find(*arguments))[1]
    assert look_after(platform)["bills"] == 4
    assert look_after(platform)["bills"] == 4


def test_what_another_worker_found_meanwhile_stands(platform):
    look(platform, GOOD)
    store, others = platform.context.store, []

    def other(writes):
        if not others:
            others.append(True)
            item = stored_bill(platform, GOOD)
            store.transact([item.replaced({**item.body, "status": "REVIEW"})])

    store.before_write = other
    look_after(platform, minutes=61)
    assert stored_bill(platform, GOOD).body["status"] == "REVIEW"


def test_an_enterprise_that_is_no_longer_active_qualifies_for_nothing(platform):
    look(platform, GOOD)
    item = platform.context.store.get(f"enterprise#{platform.ids[PARTNER, GOOD.holder_uscc]}", "state")
    platform.context.store.transact([item.replaced({**item.body, "status": "REFUSED"})])
    look_after(platform, minutes=61)
    assert stored_bill(platform, GOOD).body["prequalification"]["reason"] == "ENTERPRISE_NOT_ACTIVE"


def test_an_agreement_that_ended_offers_no_price(platform):
    look(platform, GOOD)
    partner = platform.context.store.get("partner#partner-a", "state")
    platform.context.store.transact([partner.replaced({**partner.body, "institutions": ["bank-2"]})])
    look_after(platform, minutes=61)
    offers = stored_bill(platform, GOOD).body["prequalification"]["offers"]
    assert [offer["institution_id"] for offer in offers] == ["bank-2"]


def test_bills_due_are_in_a_lane_of_their_own(platform):
    look(platform, GOOD)
    far = platform.context.clock.now() + timedelta(days=1)
    assert [item.pk for item in platform.context.store.due(far.isoformat(), lane=BILL_LANE)] == [
        stored_bill(platform, GOOD).pk
    ]


# ---- lifetimes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [14, 1441, 60.0, True, "60", None])
def test_a_lifetime_is_a_quarter_of_an_hour_to_a_day(minutes):
    with pytest.raises(FreshnessError) as refused:
        Freshness.parse({"invoice_minutes": minutes}, Freshness())
    assert refused.value.field == "prequalification.invoice_minutes"


@pytest.mark.parametrize("document", [[], {"price_minutes": 60}, "60"])
def test_what_names_no_lifetime_is_refused(document):
    with pytest.raises(FreshnessError):
        Freshness.parse(document, Freshness())


def test_a_tenant_only_shortens():
    base = Freshness(registry_minutes=60, invoice_minutes=30)
    tenant = Freshness.parse({"registry_minutes": 90, "lists_minutes": 15}, base).tightened(base)
    assert (tenant.registry_minutes, tenant.lists_minutes, tenant.invoice_minutes) == (60, 15, 30)
