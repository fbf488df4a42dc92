"""The risk policy as its record configures it."""

from dataclasses import fields

import pytest

from rongtong.domain.eligibility import Policy
from rongtong.services.settings import policy_of
from rongtong.services.storage import Item


def _policy(**body):
    return policy_of(Item("platform", "policy", body, 1))


def test_without_a_record_or_with_an_empty_one_the_defaults_hold():
    assert policy_of(None) == _policy() == Policy()


@pytest.mark.parametrize("field", [field.name for field in fields(Policy)])
def test_every_threshold_and_list_can_be_configured(field):
    wanted = ["x"] if isinstance(getattr(Policy(), field), frozenset) else 3
    found = getattr(_policy(**{field: wanted}), field)
    assert found == (frozenset(wanted) if isinstance(wanted, list) else wanted)
    assert found != getattr(Policy(), field)
