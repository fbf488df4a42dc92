"""Whatever dies, repeats, hangs or answers late: the promises hold. Controls show that a missing guard is noticed."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import outside_world
import pytest
from aws_lambda_powertools.utilities.idempotency import BasePersistenceLayer, IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyItemAlreadyExistsError,
    IdempotencyItemNotFoundError,
)
from effects import KINDS, Fault
from explore import Coverage, effects_of, pairs_of_faults, run_faults, run_seed, single_faults
from outside_world import SCENARIOS

import rongtong.services.disburse as disbursement
import rongtong.services.seal as sealing
import rongtong.services.sweep as sweeping
import rongtong.services.unwind as unwinding
from rongtong.domain.payment import PaymentStatus, payment_reference
from rongtong.services.payment_channels import _order
from rongtong.services.ports import BankUnavailableError, PaymentAnswer

PAID = next(one for one in SCENARIOS if one.name == "paid")
REFUSED = next(one for one in SCENARIOS if one.name == "refused by the bank")
REVIEWED = next(one for one in SCENARIOS if one.name == "in review")
_LONG = frozenset(
    {
        "comes back, is refused and then paid again",
        "booked after it was given up",
        "comes back and is paid again",
        "never reaches the bank",
        "refused by the bank online",
        "refused by the bank",
    }
)
"""Courses of so many effects that only `make faults` runs all their single faults."""
_EVERY_SINGLE = 4
_SEEDS = 800
_EVERY = 421
"""Of the pairs; `make faults` runs them all."""


def _singles(scenario, every=1):
    coverage = Coverage()
    for faults in itertools.islice(single_faults(scenario), 0, None, every):
        run_faults(scenario, faults, coverage)
    return coverage


def _told(coverage):
    return [str(violation) for violation in coverage.violations]


@pytest.mark.parametrize("scenario", [one for one in SCENARIOS if one.name in _LONG], ids=lambda one: one.name)
def test_no_single_fault_of_a_fixed_sample_breaks_a_promise_in_a_long_course(scenario):
    coverage = _singles(scenario, _EVERY_SINGLE)
    assert _told(coverage) == []
    assert coverage.schedules > 50


@pytest.mark.parametrize("scenario", [one for one in SCENARIOS if one.name not in _LONG], ids=lambda one: one.name)
def test_no_single_fault_breaks_a_promise_and_every_effect_fails_in_every_way(scenario):
    coverage = _singles(scenario)
    assert _told(coverage) == []
    labels = set(effects_of(scenario))
    assert {(label, kind) for label in labels for kind in KINDS} <= set(coverage.faulted)
    print(f"faults: {len(labels)} effects × {len(KINDS)} kinds, {coverage.schedules} schedules, 0 violations")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_no_pair_of_faults_of_a_fixed_sample_breaks_a_promise(scenario):
    coverage = Coverage()
    every = _EVERY * (4 if scenario.name in _LONG else 1)
    for faults in itertools.islice(pairs_of_faults(scenario), 0, None, every):
        run_faults(scenario, faults, coverage)
    assert _told(coverage) == []
    assert coverage.schedules > 10


def test_no_seeded_schedule_of_two_workers_breaks_a_promise():
    coverage, ends = Coverage(), Counter()
    for seed in range(_SEEDS):
        state = run_seed(seed, coverage).state()
        ends["none" if state is None else state.body["status"]] += 1
    assert _told(coverage) == []
    assert coverage.schedules == _SEEDS
    assert min(ends[status] for status in ("DISBURSED", "REFUSED", "FAILED", "RETURNED")) > 20


def test_a_schedule_runs_again_exactly():
    first, again = (run_seed(4711, Coverage()) for _ in range(2))
    assert first.seam.effects == again.seam.effects
    assert first.seam.faulted == again.seam.faulted


# ---- controls: without a guard the explorer must find a violation ---------------------------------------------------


def _pays_without_asking(context, item, parties, payment, *, first):
    """Query before retry is off: whatever the bank says to the order is taken for what became of the payment."""
    if payment.body["status"] == PaymentStatus.SUCCEEDED:
        return PaymentAnswer(payment.body["reference"], PaymentStatus.SUCCEEDED, payment.body.get("bank_serial"))
    try:
        return context.banks[0].pay_unasked(_order(context, parties.enterprise, payment))
    except BankUnavailableError:
        return PaymentAnswer(payment.body["reference"], PaymentStatus.UNKNOWN)


def test_control_a_payment_that_is_sent_again_unasked_is_noticed(monkeypatch):
    monkeypatch.setattr(disbursement, "learn", _pays_without_asking)
    found = _singles(PAID).violations
    assert {violation.promise for violation in found} & {
        "the_bank_s_statement_is_our_books",
        "a_bill_that_was_not_paid_is_given_back",
    }


class _Records(BasePersistenceLayer):
    """Where the decorator keeps what it has seen."""

    def __init__(self):
        super().__init__()
        self.kept = {}

    def _get_record(self, idempotency_key):
        if idempotency_key not in self.kept:
            raise IdempotencyItemNotFoundError
        return self.kept[idempotency_key]

    def _put_record(self, data_record):
        if data_record.idempotency_key in self.kept:
            raise IdempotencyItemAlreadyExistsError(old_data_record=self.kept[data_record.idempotency_key])
        self.kept[data_record.idempotency_key] = data_record

    def _update_record(self, data_record):
        self.kept[data_record.idempotency_key] = data_record

    def _delete_record(self, data_record):
        self.kept.pop(data_record.idempotency_key, None)


def test_control_a_payment_that_relies_on_the_idempotency_decorator_alone_is_noticed(monkeypatch):
    series, records = itertools.count(10), {}

    def decorated(context, item, parties, payment, *, first):
        @idempotent_function(
            data_keyword_argument="discount_id",
            persistence_store=records.setdefault(id(context.clock), _Records()),
            config=IdempotencyConfig(),
        )
        def pay(*, discount_id):
            # The reference is made inside: what the decorator forgets after an error is paid again under another.
            reference = payment_reference(discount_id, next(series) % 90 + 10)
            order = replace(_order(context, parties.enterprise, payment), reference=reference)
            answer = context.banks[0].pay_unasked(order)
            return {"status": answer.status.value, "serial": answer.bank_serial}

        try:
            answer = pay(discount_id=str(item.body["discount_id"]))
        except BankUnavailableError:
            return PaymentAnswer(payment.body["reference"], PaymentStatus.UNKNOWN)
        return PaymentAnswer(payment.body["reference"], PaymentStatus(answer["status"]), answer["serial"])

    monkeypatch.setattr(disbursement, "learn", decorated)
    coverage = Coverage()
    pay = effects_of(PAID).index("bank.pay_unasked")
    run_faults(PAID, ((pay, Fault("lose the answer")),), coverage)
    (violation,) = coverage.violations
    assert violation.promise == "at_most_one_payment_per_discount_is_kept_by_the_payee"


def test_control_money_before_the_evidence_is_noticed(monkeypatch):
    monkeypatch.setattr(disbursement, "_require_sealed", lambda context, item, series: None)
    monkeypatch.setattr(sealing, "append_pending", lambda context, item: item)
    coverage = Coverage()
    run_faults(PAID, (), coverage)
    assert "money_moves_only_for_a_sealed_discount" in {violation.promise for violation in coverage.violations}


def test_control_a_lock_that_arrives_after_the_release_is_noticed(monkeypatch):
    monkeypatch.setattr(unwinding, "LATEST_LOCK", timedelta(0))
    monkeypatch.setattr(
        sweeping, "release_again", lambda context, item: unwinding.amend(context.store, item, _unlocked)
    )
    promises = {violation.promise for violation in _singles(REFUSED).violations}
    assert promises == {"a_bill_that_was_not_paid_is_given_back"}


def _forget_the_lock(context, item):
    unwinding.amend(context.store, item, _unlocked)


def _unlocked(body):
    return {name: value for name, value in body.items() if name != "locked"} if "locked" in body else None


def test_control_without_the_sweeper_a_lost_answer_to_a_waiting_execution_is_noticed(monkeypatch):
    monkeypatch.setattr(outside_world, "sweep", lambda context: None)
    promises = {violation.promise for violation in _singles(REVIEWED).violations}
    assert "nothing_waits_for_ever_unseen" in promises
