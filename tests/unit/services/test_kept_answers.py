"""Repeats of requests: told the first answer, refused, told to wait, or carried out after all."""

from dataclasses import replace
from datetime import timedelta

import pytest

from fakes import make_context
from rongtong.services.errors import BusyError, IdempotencyMismatchError
from rongtong.services.kept_answers import (
    BODY_BYTES_MAX,
    DIED_AFTER,
    Answer,
    Asked,
    RequestRunningError,
    Verdict,
    once,
    request_pk,
)
from rongtong.services.storage import WriteConflictError

ASKED = Asked("partner-a", "key-1", "digest-1", "POST /v1/enterprises")
FIRST = Answer(202, '{"n": 1}', {"Location": "/v1/enterprises/1"})
SECOND = Answer(202, '{"n": 2}', {})


@pytest.fixture
def context():
    return make_context()


def _told(context, answer, verdict=Verdict.KEEP, asked=ASKED):
    return once(context, asked, lambda: (answer, verdict))


def test_a_repeat_is_told_the_first_answer_to_the_byte_and_does_nothing(context):
    assert _told(context, FIRST) == (FIRST, False)
    ran = []
    again = once(context, ASKED, lambda: ran.append(1) or (SECOND, Verdict.KEEP))
    assert (again, ran) == ((FIRST, True), [])


def test_answers_are_kept_for_good(context):
    _told(context, FIRST)
    context.clock.instant += timedelta(days=4000)
    assert _told(context, SECOND) == (FIRST, True)


@pytest.mark.parametrize("other", [{"digest": "digest-2"}, {"route": "POST /v1/quotes"}])
def test_the_key_of_another_body_or_route_is_refused(context, other):
    _told(context, FIRST)
    with pytest.raises(IdempotencyMismatchError):
        _told(context, SECOND, asked=replace(ASKED, **other))


@pytest.mark.parametrize("other", [{"partner_id": "partner-b"}, {"key": "key-2"}])
def test_another_partner_and_another_key_are_other_requests(context, other):
    _told(context, FIRST)
    assert _told(context, SECOND, asked=replace(ASKED, **other)) == (SECOND, False)


def test_a_key_may_hold_what_a_partition_s_name_may_not(context):
    assert _told(context, FIRST, asked=replace(ASKED, key="#" * 128)) == (FIRST, False)
    assert len(request_pk("partner-a", "#" * 128)) == len(request_pk("partner-a", "k"))


def test_while_the_first_runs_a_repeat_is_told_to_wait(context):
    def run():
        with pytest.raises(RequestRunningError) as waits:
            _told(context, SECOND)
        assert waits.value.retry_after_s == 1
        return FIRST, Verdict.KEEP

    assert once(context, ASKED, run) == (FIRST, False)


def test_while_the_first_runs_another_body_is_refused_and_not_told_to_wait(context):
    def run():
        with pytest.raises(IdempotencyMismatchError):
            _told(context, SECOND, asked=replace(ASKED, digest="digest-2"))
        return FIRST, Verdict.KEEP

    once(context, ASKED, run)


@pytest.mark.parametrize("passed", [DIED_AFTER, -DIED_AFTER])
def test_what_died_while_it_ran_is_carried_out_again(context, passed):
    def run():
        context.clock.instant += passed
        assert _told(context, SECOND) == (SECOND, False)
        return FIRST, Verdict.KEEP

    once(context, ASKED, run)
    assert _told(context, FIRST) == (SECOND, True)


def test_what_runs_for_less_than_that_is_left_alone(context):
    def run():
        context.clock.instant += DIED_AFTER - timedelta(milliseconds=1)
        with pytest.raises(RequestRunningError):
            _told(context, SECOND)
        return FIRST, Verdict.KEEP

    once(context, ASKED, run)


def test_the_wait_is_longer_than_any_function_behind_the_api_runs():
    assert timedelta(seconds=30) < DIED_AFTER


def test_what_was_not_decided_may_be_sent_again_but_only_as_it_was(context):
    assert _told(context, FIRST, Verdict.AGAIN) == (FIRST, False)
    with pytest.raises(IdempotencyMismatchError):
        _told(context, SECOND, asked=replace(ASKED, digest="digest-2"))
    assert _told(context, SECOND) == (SECOND, False)


def test_what_could_not_be_read_leaves_the_key_as_good_as_unused(context):
    _told(context, FIRST, Verdict.FORGET)
    assert _told(context, SECOND, asked=replace(ASKED, digest="digest-2")) == (SECOND, False)


def test_what_failed_on_our_side_may_be_sent_again_at_once(context):
    def fails():
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        once(context, ASKED, fails)
    assert _told(context, SECOND) == (SECOND, False)


def test_an_answer_that_no_record_has_room_for_is_made_anew(context):
    large = Answer(200, "x" * (BODY_BYTES_MAX + 1), {})
    assert _told(context, large) == (large, False)
    assert _told(context, large) == (large, False)


def test_of_two_that_begin_at_once_one_is_carried_out_and_the_other_told_to_wait(context):
    transact = context.store.transact

    def another_was_first(writes):
        context.store.transact = transact
        transact(writes)
        raise WriteConflictError("met", failed=(0,))

    context.store.transact = another_was_first
    ran = []
    with pytest.raises(RequestRunningError):
        once(context, ASKED, lambda: ran.append(1) or (SECOND, Verdict.KEEP))
    assert ran == []


def test_a_record_that_keeps_changing_is_given_up(context):
    def always(writes):
        raise WriteConflictError("met", failed=(0,))

    context.store.transact = always
    with pytest.raises(BusyError):
        _told(context, FIRST)


def test_the_record_holds_no_key_in_clear(context):
    _told(context, FIRST, asked=replace(ASKED, key="my-secret-name"))
    assert "my-secret-name" not in str(context.store.items)
