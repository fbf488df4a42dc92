"""How long personal data is kept, and what a disclosure may ask for."""

from datetime import UTC, datetime

import pytest

from rongtong.domain.personal_data import DisclosureRequestError, PersonalField, readable, retain_until

ENDED = datetime(2026, 4, 15, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("last", "until"),
    [
        (None, datetime(2036, 4, 15, 2, tzinfo=UTC)),
        (datetime(2025, 1, 1, tzinfo=UTC), datetime(2036, 4, 15, 2, tzinfo=UTC)),
        (datetime(2026, 5, 1, tzinfo=UTC), datetime(2036, 5, 1, tzinfo=UTC)),
    ],
)
def test_it_is_kept_ten_years_after_the_later_of_the_relationship_and_the_last_transaction(last, until):
    assert retain_until(ENDED, last, 10) == until


def test_ten_years_after_a_leap_day_end_on_the_first_of_march():
    assert retain_until(datetime(2028, 2, 29, tzinfo=UTC), None, 10) == datetime(2038, 3, 1, tzinfo=UTC)


def test_each_field_is_shown_once_in_one_order():
    _, fields = readable("COMPLAINT", ["mobile", "legal_representative", "mobile"])
    assert fields == (PersonalField.LEGAL_REPRESENTATIVE, PersonalField.MOBILE)


@pytest.mark.parametrize(
    ("reason", "fields", "field"),
    [
        ("BECAUSE", ["mobile"], "reason"),
        (None, ["mobile"], "reason"),
        ("COMPLAINT", [], "fields"),
        ("COMPLAINT", "mobile", "fields"),
        ("COMPLAINT", ["data_key"], "fields"),
        ("COMPLAINT", [1], "fields"),
        ("COMPLAINT", None, "fields"),
    ],
)
def test_what_is_no_reason_and_no_field_is_refused_by_its_name(reason, fields, field):
    with pytest.raises(DisclosureRequestError) as refused:
        readable(reason, fields)
    assert refused.value.field == field
