"""Signing and verifying webhooks (Standard Webhooks), and when a delivery is tried again."""

from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.domain.webhook import (
    TRIED_FOR,
    WebhookKeyError,
    WebhookSignatureError,
    next_attempt,
    private_text,
    public_text,
    secret_text,
    sign,
    signed_headers,
    verify,
)

NOW = datetime(2026, 4, 15, 2, 0, tzinfo=UTC)
SECRET = secret_text(b"s" * 32)
PRIVATE = private_text(b"p" * 32)
PUBLIC = public_text(PRIVATE)
BODY = '{"data":"票"}'.encode()


def _signed(keys=(SECRET, PRIVATE), at=NOW, webhook_id="dsc_x-0004", body=BODY):
    return signed_headers(list(keys), webhook_id, at, body)


def test_the_symmetric_signature_is_the_specification_s():
    # The vector of the reference libraries.
    found = sign(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_asymmetric_signature_is_the_specification_s():
    # The vector of the reference libraries.
    key = "whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk="
    found = sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert found == "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag=="


@pytest.mark.parametrize("key", [SECRET, PUBLIC], ids=["secret", "public key"])
def test_a_webhook_is_verified_with_either_key(key):
    assert verify(_signed(), BODY, [key], NOW) == "dsc_x-0004"


def test_header_names_count_in_any_case():
    headers = {name.title(): value for name, value in _signed().items()}
    assert verify(headers, BODY, [SECRET], NOW) == "dsc_x-0004"


def test_while_keys_overlap_old_and_new_ones_verify():
    new = secret_text(b"n" * 32)
    headers = _signed([new, SECRET])
    assert [verify(headers, BODY, [key], NOW) for key in (new, SECRET)] == ["dsc_x-0004"] * 2


@pytest.mark.parametrize("key", [SECRET, PUBLIC], ids=["secret", "public key"])
@pytest.mark.parametrize("change", ["body", "id", "timestamp"])
def test_what_is_changed_on_its_way_is_refused(key, change):
    headers, body = _signed(), BODY
    if change == "body":
        body += b" "
    if change == "id":
        headers["webhook-id"] = "dsc_x-0005"
    if change == "timestamp":
        headers["webhook-timestamp"] = str(int(headers["webhook-timestamp"]) + 1)
    with pytest.raises(WebhookSignatureError) as refused:
        verify(headers, body, [key], NOW)
    assert refused.value.code == "WEBHOOK_SIGNATURE"


def test_another_endpoint_s_key_verifies_nothing():
    other = private_text(b"q" * 32)
    with pytest.raises(WebhookSignatureError):
        verify(_signed(), BODY, [secret_text(b"t" * 32), public_text(other)], NOW)


def test_a_signature_counts_for_its_own_scheme_only():
    signature = _signed([PRIVATE])["webhook-signature"].removeprefix("v1a,")
    headers = {**_signed(), "webhook-signature": f"v1,{signature}"}
    with pytest.raises(WebhookSignatureError):
        verify(headers, BODY, [PUBLIC], NOW)


def test_the_public_key_s_text_is_no_secret_to_sign_with():
    # Who knows the public key alone must not be able to make a v1 signature that a receiver of v1a takes.
    raw = b64decode(PUBLIC.removeprefix("whpk_"))
    headers = _signed([secret_text(raw)])
    with pytest.raises(WebhookSignatureError):
        verify(headers, BODY, [PUBLIC], NOW)


@pytest.mark.parametrize("away", [timedelta(minutes=5, seconds=1), -timedelta(minutes=5, seconds=1)])
def test_a_webhook_of_another_time_is_refused(away):
    with pytest.raises(WebhookSignatureError) as refused:
        verify(_signed(at=NOW - away), BODY, [SECRET], NOW)
    assert refused.value.code == "WEBHOOK_TOO_OLD"


def test_the_tolerance_is_the_receiver_s():
    headers = _signed(at=NOW - timedelta(hours=1))
    assert verify(headers, BODY, [SECRET], NOW, tolerance=timedelta(hours=1)) == "dsc_x-0004"


@pytest.mark.parametrize(
    "header", [{"webhook-id": ""}, {"webhook-id": "a.b"}, {"webhook-timestamp": "soon"}, {"webhook-signature": ""}]
)
def test_a_missing_or_malformed_header_is_named(header):
    with pytest.raises(WebhookSignatureError) as refused:
        verify({**_signed(), **header}, BODY, [SECRET], NOW)
    assert refused.value.code == "WEBHOOK_HEADER_MISSING"


@pytest.mark.parametrize("signatures", ["v1", "v1,", "v1,!", "v2,AAAA", "v1a,AAAA", ",", " "])
def test_what_is_no_signature_is_refused_as_one(signatures):
    with pytest.raises(WebhookSignatureError):
        verify({**_signed(), "webhook-signature": signatures}, BODY, [SECRET, PUBLIC], NOW)


@pytest.mark.parametrize("key", ["", "whsec_", "whsec_!", "whpk_AAAA", secret_text(b"short"), PRIVATE])
def test_a_key_of_another_form_is_refused(key):
    with pytest.raises(WebhookKeyError):
        verify(_signed(), BODY, [key], NOW)


@given(
    st.binary(min_size=24, max_size=64),
    st.binary(max_size=300),
    st.integers(0, 10**9),
)
def test_whatever_is_signed_verifies(secret, body, seconds):
    key, at = secret_text(secret), NOW + timedelta(seconds=seconds)
    assert verify(signed_headers([key], "e-1", at, body), body, [key], at) == "e-1"


@given(st.binary(max_size=64))
def test_no_other_bytes_verify(signature):
    headers = {**_signed(), "webhook-signature": f"v1,{b64encode(signature).decode()}"}
    right = _signed([SECRET])["webhook-signature"]
    if headers["webhook-signature"] != right:
        with pytest.raises(WebhookSignatureError):
            verify(headers, BODY, [SECRET], NOW)


def _schedule(spread_by="x"):
    """Every attempt's time until it is given up, the first being at once."""
    found, now = [NOW], NOW
    while (again := next_attempt(NOW, len(found), now, spread_by=spread_by)) is not None:
        found.append(again)
        now = again
    return found


def test_the_last_attempt_is_made_after_three_days():
    assert _schedule()[-1] == NOW + TRIED_FOR


def test_pauses_double_from_half_a_minute_to_eight_hours():
    times = _schedule()
    pauses = [(after - before).total_seconds() for before, after in pairwise(times)][:-1]
    for number, pause in enumerate(pauses):
        meant = min(30 * 2**number, 8 * 3600)
        assert 0.8 * meant <= pause <= 1.2 * meant
    assert 15 <= len(times) <= 22


def test_what_failed_together_does_not_come_back_together():
    assert len({_schedule(str(number))[1] for number in range(50)}) > 40


def test_a_receiver_may_ask_for_a_longer_pause_of_up_to_an_hour():
    asked = [next_attempt(NOW, 1, NOW, spread_by="x", asked_pause_s=seconds) - NOW for seconds in (1, 600, 10**9)]
    assert asked[0] < timedelta(seconds=37)
    assert asked[1:] == [timedelta(seconds=600), timedelta(hours=1)]


@given(st.integers(1, 10**4), st.integers(0, 3 * 24 * 3600 - 1), st.none() | st.integers(0, 10**6))
def test_the_next_attempt_is_later_and_never_behind_the_third_day(attempts, seconds, asked):
    now = NOW + timedelta(seconds=seconds)
    again = next_attempt(NOW, attempts, now, spread_by="x", asked_pause_s=asked)
    assert now < again <= NOW + TRIED_FOR
