"""Codes that fit one payment alone, factors that are independent, locks that grow."""

from dataclasses import asdict, fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rongtong.domain.confirmation import (
    ATTEMPTS_MAX,
    Binding,
    Factor,
    FactorsMissingError,
    Shown,
    attempts_left,
    code_of,
    fits,
    locked_until,
    require_factors,
)

NOW = datetime(2026, 4, 15, 2, 0, tzinfo=UTC)
BINDING = Binding(
    discount_id="dsc_1",
    operator_id="opr_1",
    payee_name="上海明远机械有限公司",
    payee_account="************4567",
    payee_fingerprint="0123456789abcdef",
    face_fen=100_000_000,
    proceeds_fen=98_765_432,
    bill_number="530000000000120260301000000015",
    range="000000000001-000100000000",
)
SEED = b"\x07" * 32

bindings = st.builds(
    Binding,
    **{
        field.name: st.integers(0, 10**15) if field.name.endswith("_fen") else st.text(max_size=30)
        for field in fields(Binding)
    },
)
seeds = st.binary(min_size=32, max_size=32)


@given(bindings, bindings, seeds, st.sampled_from((6, 8)))
def test_no_code_confirms_what_it_was_not_made_for(one, other, seed, digits):
    assume(one != other)
    code = code_of(seed, "chl_1", one.digest(), digits=digits)
    assert fits(code, seed, "chl_1", one.digest(), one.digest(), digits=digits)
    assert not fits(code, seed, "chl_1", one.digest(), other.digest(), digits=digits)
    its_own = code_of(seed, "chl_1", other.digest(), digits=digits)
    assert not fits(its_own, seed, "chl_1", one.digest(), other.digest(), digits=digits)


@pytest.mark.parametrize("name", [field.name for field in fields(Binding)])
def test_every_part_of_what_is_confirmed_changes_the_code(name):
    value = getattr(BINDING, name)
    other = replace(BINDING, **{name: value + 1 if isinstance(value, int) else value + "x"})
    codes = {code_of(SEED, "chl_1", binding.digest(), digits=8) for binding in (BINDING, other)}
    assert len(codes) == 2
    assert set(asdict(BINDING)) == set(asdict(other))


def test_a_code_is_its_challenge_s_its_seed_s_and_its_length_s_own():
    bound = BINDING.digest()
    codes = [
        code_of(SEED, "chl_1", bound, digits=8),
        code_of(SEED, "chl_2", bound, digits=8),
        code_of(b"\x08" * 32, "chl_1", bound, digits=8),
    ]
    assert len(set(codes)) == 3
    assert not codes[0].endswith(code_of(SEED, "chl_1", bound, digits=6))


def test_the_code_is_the_published_function_of_its_parts():
    # Worked by hand: HMAC-SHA-256 of the canonical array, first eight bytes, remainder.
    import hashlib
    import hmac

    bound = "a" * 64
    message = b'["rongtong-confirmation-1","chl_1","' + bound.encode() + b'",6]'
    mac = hmac.new(SEED, message, hashlib.sha256).hexdigest()
    assert code_of(SEED, "chl_1", bound, digits=6) == f"{int(mac[:16], 16) % 10**6:06d}"


@given(seeds, st.sampled_from((6, 8)))
def test_a_code_has_its_digits_with_leading_zeros(seed, digits):
    code = code_of(seed, "chl_1", BINDING.digest(), digits=digits)
    assert len(code) == digits
    assert code.isascii()
    assert code.isdigit()


@pytest.mark.parametrize("entered", ["", "12345", "000000 ", "１２３４５６", "abcdef"])
def test_what_is_no_code_fits_nothing(entered):
    bound = BINDING.digest()
    assert not fits(entered, SEED, "chl_1", bound, bound, digits=6)


LOGIN, OTP, PAYMENT = (
    Shown(Factor.PASSWORD, "login"),
    Shown(Factor.OTP, "mobile"),
    Shown(Factor.PAYMENT_PASSWORD, "payment"),
)


@pytest.mark.parametrize(
    ("shown", "needed"),
    [
        ((LOGIN, OTP), (Factor.PASSWORD, Factor.OTP)),
        ((LOGIN, OTP, PAYMENT), (Factor.PASSWORD, Factor.OTP, Factor.PAYMENT_PASSWORD)),
        ((LOGIN, OTP, PAYMENT), (Factor.PASSWORD, Factor.OTP)),
    ],
)
def test_factors_of_both_kinds_by_ways_of_their_own_are_enough(shown, needed):
    require_factors(shown, needed)


@pytest.mark.parametrize(
    ("shown", "needed", "names"),
    [
        ((LOGIN,), (Factor.PASSWORD, Factor.OTP), "otp"),
        ((OTP,), (Factor.PASSWORD, Factor.OTP), "password"),
        ((LOGIN, OTP), (Factor.PASSWORD, Factor.OTP, Factor.PAYMENT_PASSWORD), "payment_password"),
        ((LOGIN, Shown(Factor.OTP, "login")), (Factor.PASSWORD, Factor.OTP), "otp"),
        ((Shown(Factor.PASSWORD, "mobile"), OTP), (Factor.PASSWORD, Factor.OTP), "otp"),
        ((LOGIN, PAYMENT), (Factor.PASSWORD, Factor.PAYMENT_PASSWORD), "kind"),
        ((), (), "kind"),
    ],
)
def test_what_is_missing_or_came_by_one_way_twice_is_refused(shown, needed, names):
    with pytest.raises(FactorsMissingError, match=names):
        require_factors(shown, needed)


def test_the_fifth_failure_locks_and_every_further_lock_is_longer():
    assert [locked_until(failures, 0, NOW) for failures in range(ATTEMPTS_MAX)] == [None] * ATTEMPTS_MAX
    delays = [locked_until(ATTEMPTS_MAX, locks, NOW) - NOW for locks in range(6)]
    hours = [timedelta(minutes=15), *[timedelta(hours=n) for n in (1, 4, 24, 24, 24)]]
    assert delays == hours


def test_attempts_run_out():
    assert [attempts_left(count) for count in range(7)] == [5, 4, 3, 2, 1, 0, 0]
