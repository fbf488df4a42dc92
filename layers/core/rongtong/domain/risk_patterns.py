"""How each risk rule measures its pattern: one pure function a rule, from the facts to a number.

A function answers what it measured, or None where there is nothing of the kind; it raises FactMissingError where a fact
that it needs is not known. A window of n days, hours or minutes ends now and leaves out what is exactly n old.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TypeVar

from rongtong.domain.bill import MoneyFlow
from rongtong.domain.endorsement_chain import held_since, hops_within, returns
from rongtong.domain.risk_facts import Facts, PastDiscount
from rongtong.domain.risk_rules import Rule

Rules = Mapping[str, Rule]
Measure = Callable[[Facts, Rules], int | None]
Fact = TypeVar("Fact")


class FactMissingError(LookupError):
    """A rule cannot be evaluated: a fact that it looks at is not known."""


def scattered_and_concentrated(facts: Facts, rules: Rules) -> int | None:
    """How many companies stand on the scattered side, where few stand on the other and most of the money passed on."""
    rule = rules["SCATTERED_IN_CONCENTRATED_OUT"]
    own = _known(facts.application).applicant_uscc
    flows = _flows_within(facts, rule)
    received = [flow for flow in flows if flow.payee_uscc == own]
    paid = [flow for flow in flows if flow.payer_uscc == own]
    received_fen, paid_fen = (sum(flow.amount_fen for flow in side) for side in (received, paid))
    passed_on = paid_fen * 100 >= received_fen * rule.further["passed_on_percent"]
    if not received or received_fen < rule.further["least_fen"] or not passed_on:
        return None
    sides = (len({flow.payer_uscc for flow in received}), len({flow.payee_uscc for flow in paid}))
    return max(sides) if min(sides) <= rule.further["most_on_the_other_side"] else None


def just_under_threshold(facts: Facts, rules: Rules) -> int | None:
    """How many amounts, this one among them, lie just under the line of large amounts or that of large values."""
    rule = rules["JUST_UNDER_THRESHOLD"]
    amount, _ = _known(facts.application).amount_fen, _known(facts.history)
    found = []
    for line in (rules["LARGE_AMOUNT"].threshold, rule.further["large_value_fen"]):
        least = line * (100 - rule.further["margin_percent"])
        if least <= amount * 100 < line * 100:
            before = _history_within(facts, rule)
            found.append(1 + sum(least <= past.amount_fen * 100 < line * 100 for past in before))
    return max(found, default=None)


def unrelated_counterparties(facts: Facts, rules: Rules) -> int | None:
    """How many counterparties of trade and account are of industries that the business has nothing to do with."""
    application = _known(facts.application)
    deals_with, industries = _known(_known(facts.profile).deals_with), _known(facts.industries)
    flows = [*application.trade.money_flows]
    if facts.account_flows is not None:
        flows += _flows_within(facts, rules["UNRELATED_COUNTERPARTIES"])
    parties = {application.trade.order.buyer_uscc}
    parties |= {code for flow in flows for code in (flow.payer_uscc, flow.payee_uscc)}
    known = {code: industries[code] for code in parties - {application.applicant_uscc} if code in industries}
    return sum(industry not in deals_with for industry in known.values())


def silent_days(facts: Facts, rules: Rules) -> int | None:
    """Days of the longest silence that ended within the window, if what followed it is of some amount.

    Silence before the first discount is none: nobody has fallen asleep who was not awake.
    """
    rule = rules["DORMANT_ACTIVE"]
    amount_fen, history = _known(facts.application).amount_fen, _known(facts.history)
    if not history or facts.now - min(past.at for past in history) < timedelta(days=rule.threshold):
        return None  # too short a history for a silence that counts
    times = sorted([past.at for past in history if past.at <= facts.now])
    times.append(facts.now)
    # The silences that ended within the window are those before its instants: the last few of a long history.
    first = max(bisect_right(times, facts.now - rule.span), 1)
    ended = [(after - before, after) for before, after in pairwise(times[first - 1 :])]
    if not ended:
        return None
    silence, woken = max(ended)
    since_fen = amount_fen + sum(past.amount_fen for past in history if woken <= past.at <= facts.now)
    return silence.days if since_fen >= rule.further["least_fen"] else None


def access_frequency(facts: Facts, rules: Rules) -> int | None:
    """The most requests from one address or one device."""
    recent = [event for event in _known(facts.accesses) if _within(event.at, facts, rules["ACCESS_FREQUENCY"])]
    sources = Counter(("ip", event.ip) for event in recent if event.ip)
    sources.update(("device", event.device) for event in recent if event.device)
    return max(sources.values(), default=None)


def failed_logins(facts: Facts, rules: Rules) -> int | None:
    """How many logins failed."""
    return sum(_within(at, facts, rules["LOGIN_BURST"]) for at in _known(facts.failed_logins))


def regions(facts: Facts, rules: Rules) -> int | None:
    """How many regions the applicant's users were in."""
    events = [event for event in _known(facts.accesses) if _within(event.at, facts, rules["CROSS_REGION"])]
    return len({event.region for event in events if event.region})


def other_payers(facts: Facts, _: Rules) -> int | None:
    """How many companies other than the order's buyer paid the applicant for this trade."""
    application = _known(facts.application)
    payers = {
        flow.payer_uscc for flow in application.trade.money_flows if flow.payee_uscc == application.applicant_uscc
    }
    return len(payers - {application.trade.order.buyer_uscc})


def endorsement_count(facts: Facts, rules: Rules) -> int | None:
    """How many times the bill was passed on."""
    return hops_within(_known(facts.bill), rules["ENDORSEMENT_COUNT"].span.days, facts.today)


def companies_returned_to(facts: Facts, _: Rules) -> int | None:
    """How many companies the bill came back to."""
    return len(returns(_known(facts.bill)))


def days_held(facts: Facts, _: Rules) -> int | None:
    """Days since the applicant was endorsed, which the registry dates by the day; a payee has nothing to resell."""
    since = held_since(_known(facts.bill))
    return None if since is None else (facts.today - since).days


def package_slices(facts: Facts, rules: Rules) -> int | None:
    """How many slices of the package are discounted, if enough companies do so."""
    slices, companies = _known(facts.package_slices), _known(facts.package_companies)
    return slices if companies >= rules["PACKAGE_SLICED"].further["least_companies"] else None


def shell_signs(facts: Facts, rules: Rules) -> int | None:
    """How many signs a new company bears: that it is new, that its address is shared, that its capital is small."""
    rule, profile = rules["NEW_COMPANY_VOLUME"], _known(facts.profile)
    if _known(profile.registered_on) <= facts.today - rule.span:
        return None
    signs = []
    if profile.shared_address_count is not None:
        signs.append(profile.shared_address_count >= rule.further["least_companies"])
    if profile.capital_fen is not None:
        signs.append(_volume(facts, rule) * 100 >= profile.capital_fen * rule.further["capital_percent"])
    return 1 + sum(_known(signs or None))


def related_parties(facts: Facts, _: Rules) -> int | None:
    """How many companies that had the bill belong to the applicant's group, if drawer and prior hand both do."""
    own, bill, groups = _known(facts.application).applicant_uscc, _known(facts.bill), _known(facts.groups)
    group, endorsers = groups.get(own), [entry.endorser.uscc for entry in bill.transfers]
    hands = [bill.drawer.uscc, *endorsers]
    if group is None or groups.get(hands[0]) != group or groups.get(hands[-1]) != group:
        return None
    return len({code for code in hands if groups.get(code) == group} - {own})


def percent_of_turnover(facts: Facts, rules: Rules) -> int | None:
    """What the applicant discounts, in percent of what it declared to turn over in a year; rounded down."""
    turnover_fen = _known(_known(facts.profile).declared_turnover_fen)
    return _volume(facts, rules["VOLUME_ABOVE_TURNOVER"]) * 100 // max(turnover_fen, 1)


def acceptor_share(facts: Facts, rules: Rules) -> int | None:
    """The share of this bill's acceptor in what the applicant discounts, in percent rounded down, if that is a lot."""
    rule, application = rules["ACCEPTOR_CONCENTRATION"], _known(facts.application)
    if len(_known(facts.history)) + 1 < rule.further["least_discounts"]:
        return None
    history = _history_within(facts, rule)
    volume_fen = application.amount_fen + sum(past.amount_fen for past in history)
    if len(history) + 1 < rule.further["least_discounts"] or volume_fen < rule.further["least_fen"]:
        return None
    same_fen = sum(past.amount_fen for past in history if past.acceptor_code == application.acceptor_bank_code)
    return (same_fen + application.amount_fen) * 100 // volume_fen


def document_used_percent(facts: Facts, _: Rules) -> int | None:
    """How much of the order is discounted, on it or on its invoice, in percent rounded up, if others are too."""
    application = _known(facts.application)
    trade = application.trade
    claimed_fen, order_fen = max(trade.claimed_fen, trade.order_claimed_fen), trade.order.amount_fen
    return -(-claimed_fen * 100 // max(order_fen, 1)) if claimed_fen > application.amount_fen else None


def _acceptor_overdue(facts: Facts, _: Rules) -> int:
    return int(_known(facts.bill).acceptor_bank_code in _known(facts.overdue_acceptors))


def _acceptor_of_no_class(facts: Facts, _: Rules) -> int:
    return int(_known(facts.bill).acceptor_class == "other")


MEASURES: Mapping[str, Measure] = {
    "SCATTERED_IN_CONCENTRATED_OUT": scattered_and_concentrated,
    "JUST_UNDER_THRESHOLD": just_under_threshold,
    "UNRELATED_COUNTERPARTIES": unrelated_counterparties,
    "DORMANT_ACTIVE": silent_days,
    "ACCESS_FREQUENCY": access_frequency,
    "LOGIN_BURST": failed_logins,
    "CROSS_REGION": regions,
    "MONEY_FROM_ANOTHER": other_payers,
    "ENDORSEMENT_COUNT": endorsement_count,
    "BACK_ENDORSEMENT": companies_returned_to,
    "QUICK_RESALE": days_held,
    "PACKAGE_SLICED": package_slices,
    "NEW_COMPANY_VOLUME": shell_signs,
    "RELATED_PARTIES": related_parties,
    "VOLUME_ABOVE_TURNOVER": percent_of_turnover,
    "ACCEPTOR_CONCENTRATION": acceptor_share,
    "SAME_TRADE_DOCUMENT": document_used_percent,
    "DUPLICATE_APPLICATION": lambda facts, _: _known(facts.overlapping_applications),
    "ACCEPTOR_OVERDUE": _acceptor_overdue,
    "PAYEE_NOT_VERIFIED": lambda facts, _: int(not _known(facts.payee_verified)),
    "OUT_OF_HOURS": lambda facts, _: int(not _known(facts.within_hours)),
    "NEW_ACCEPTOR_CLASS": _acceptor_of_no_class,
    "LARGE_AMOUNT": lambda facts, _: _known(facts.application).amount_fen,
}


NEEDS: Mapping[str, frozenset[str]] = {
    "SCATTERED_IN_CONCENTRATED_OUT": frozenset({"account_flows"}),
    "UNRELATED_COUNTERPARTIES": frozenset({"profile", "industries"}),
    "ACCESS_FREQUENCY": frozenset({"accesses"}),
    "LOGIN_BURST": frozenset({"failed_logins"}),
    "CROSS_REGION": frozenset({"accesses"}),
    "NEW_COMPANY_VOLUME": frozenset({"profile"}),
    "RELATED_PARTIES": frozenset({"groups"}),
    "VOLUME_ABOVE_TURNOVER": frozenset({"profile"}),
}
"""Facts that seldom are known, of the rules that cannot do without them: asked first, it costs less than to fail."""
SELDOM_KNOWN = tuple(sorted(frozenset[str]().union(*NEEDS.values())))


def _known(fact: Fact | None) -> Fact:
    if fact is None:
        raise FactMissingError
    return fact


def _within(at: datetime, facts: Facts, rule: Rule) -> bool:
    return facts.now - rule.span < at <= facts.now


def _history_within(facts: Facts, rule: Rule) -> list[PastDiscount]:
    # Once for all of it: three rules look through it for every bill, and it may hold a year.
    now = facts.now
    since = now - rule.span
    return [past for past in _known(facts.history) if since < past.at <= now]


def _volume(facts: Facts, rule: Rule) -> int:
    """Fen discounted within the window, this bill included."""
    return _known(facts.application).amount_fen + sum(past.amount_fen for past in _history_within(facts, rule))


def _flows_within(facts: Facts, rule: Rule) -> Iterable[MoneyFlow]:
    today = facts.today
    return [flow for flow in _known(facts.account_flows) if today - rule.span < flow.date <= today]
