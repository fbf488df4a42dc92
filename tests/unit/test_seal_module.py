"""The module that operators' pages seal with: what it makes, run by Node.js, the platform's own code opens."""

from datetime import UTC, datetime

import pytest

from rongtong.domain.sealed import About, SealedForOtherError, content_of, read
from seal_module import run_page
from sealing import MemorySealingKeys

NOW = datetime(2026, 4, 15, 2, 0, 0, 900_000, tzinfo=UTC)
KEYS = MemorySealingKeys("a")
ABOUTS = [
    About("confirm", "opr_1", "dsc_1", "chl_1"),
    About("login_password", "opr_1"),
    About("payment_password", "opr_1"),
]
SECRETS = {"code": "123456", "payment_password": "窗前明月光 “Wq7$kd9L” 🫖"}


@pytest.fixture
def page(tmp_path):
    """What the module makes of (about, secrets), by a key that it has read."""

    def run(cases, *, key=None, pinned=None, status=200):
        timed = [(*one, NOW.isoformat()) for one in cases]
        url = "https://api.example.cn/v"
        return run_page(tmp_path, url, timed, key=key or KEYS.published(), pinned=pinned, status=status)

    return run


def _opened(text, about):
    sealed = read(text, about, NOW)
    return sealed.opened(KEYS.unwrapped(sealed.key_id, sealed.wrapped_key))


def test_what_a_page_sealed_opens_for_what_it_was_sealed_for(page):
    made = page([[about.header(), SECRETS] for about in ABOUTS])["made"]
    for about, text in zip(ABOUTS, made, strict=True):
        assert content_of(_opened(text, about)) == SECRETS
        with pytest.raises(SealedForOtherError):
            read(text, About(about.purpose, "opr_2", about.discount_id, about.challenge_id), NOW)


def test_nothing_entered_can_be_read_in_what_is_sent_nor_how_long_it_is(page):
    secrets = [{"code": "123456", "payment_password": "x" * length} for length in (8, 60, 128)]
    made = page([[ABOUTS[0].header(), one] for one in secrets])["made"]
    assert len({len(text) for text in made}) == 1
    assert len({part for text in made for part in text.split(".")[1:]}) == 12, "never the same key, nonce or content"


def test_what_is_not_said_of_a_payment_seals_nothing(page):
    about = {"purpose": "confirm", "operator_id": "opr_1", "discount_id": "dsc_1"}
    made = page([[about, SECRETS], [{"purpose": "other", "operator_id": "opr_1"}, SECRETS]])["made"]
    assert made == [{"error": "Say for which challenge_id it is sealed."}, {"error": "There is no such purpose."}]


def test_the_key_is_read_from_the_platform_and_named_by_its_own_thumbprint(page):
    lying = {**KEYS.published(), "kid": "another"}
    told = page([], key=lying)
    assert told["asked"] == [["https://api.example.cn/v/v1/confirmation-key", "omit"]]
    assert told["found"]["kid"] == KEYS.published()["kid"]


def test_a_page_that_knows_the_platform_s_keys_seals_under_no_other(page):
    other = MemorySealingKeys("b").published()
    assert page([], key=other, pinned=[KEYS.published()["kid"]])["found"] == {
        "error": "The key is not one of those that this page knows."
    }
    assert page([], pinned=[other["kid"], KEYS.published()["kid"]])["found"]["kid"] == KEYS.published()["kid"]


def test_without_a_key_nothing_is_sealed(page):
    assert page([], status=503)["found"] == {"error": "The platform's key cannot be read: 503."}
