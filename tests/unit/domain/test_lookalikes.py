"""Look-alikes of a domain: vectors for each way, and what holds of all of them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.domain.lookalikes import (
    LOOKALIKES_MAX,
    DomainNamesError,
    OwnDomains,
    Way,
    lookalikes,
)

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
labels = st.from_regex(r"[a-z0-9]([a-z0-9]|-(?=[a-z0-9])(?<!--)){0,30}", fullmatch=True).filter(
    lambda one: one[2:4] != "--"
)


def of(name, way):
    return {one.name for one in lookalikes(name) if one.way is way}


@pytest.mark.parametrize(
    ("way", "made"),
    [
        (Way.OTHER_END, "paybill.com.cn"),
        (Way.OTHER_END, "paybill.xn--fiqs8s"),
        (Way.ASCII_TWIN, "paybi1l.com"),
        (Way.ASCII_TWIN, "payblll.com"),
        (Way.ASCII_TWIN, "pay6ill.com"),
        (Way.HYPHEN, "pay-bill.com"),
        (Way.TRUSTED_WORD, "paybill-login.com"),
        (Way.TRUSTED_WORD, "wwwpaybill.com"),
        (Way.SWAP, "apybill.com"),
        (Way.OMISSION, "paybil.com"),
        (Way.REPETITION, "paaybill.com"),
        (Way.NEIGHBOUR, "psybill.com"),
    ],
)
def test_each_way_makes_what_it_is_known_for(way, made):
    assert made in of("paybill.com", way)


def test_two_letters_that_look_like_one_are_exchanged_both_ways():
    assert "rnoney.com" in of("money.com", Way.ASCII_TWIN)
    assert "modem.com" in of("modern.com", Way.ASCII_TWIN)


def test_a_single_letter_of_another_script_is_written_as_punycode_has_it():
    """The well-known xn--pypal-4ve.com: its first а is Cyrillic."""
    assert "xn--pypal-4ve.com" in of("paypal.com", Way.UNICODE_TWIN)


def test_a_name_in_another_script_alone_is_among_them():
    """The well-known xn--80ak6aa92e.com looks like apple.com, all of it Cyrillic."""
    assert "xn--80ak6aa92e.com" in of("apple.com", Way.UNICODE_TWIN)


def test_punycode_reads_back_as_characters_that_are_not_ascii():
    for name in of("rongtong.com", Way.UNICODE_TWIN):
        label = name.removeprefix("xn--").removesuffix(".com")
        assert not label.encode("ascii").decode("punycode").isascii()


def test_the_end_of_a_name_below_com_cn_is_kept():
    assert "paybil.com.cn" in of("paybill.com.cn", Way.OMISSION)
    assert "paybill.com" in of("paybill.com.cn", Way.OTHER_END)


@given(labels, st.sampled_from(["com", "cn", "com.cn"]))
def test_every_one_can_stand_in_the_dns_is_another_and_is_told_once(label, end):
    made = [one.name for one in lookalikes(f"{label}.{end}")]
    assert 0 < len(made) <= LOOKALIKES_MAX
    assert len(made) == len(set(made))
    assert f"{label}.{end}" not in made
    assert all(LABEL.fullmatch(part) for name in made for part in name.split("."))


@given(labels)
def test_the_same_name_has_the_same_ones_in_the_same_order(label):
    assert lookalikes(f"{label}.com") == lookalikes(f"{label}.com")


def test_the_likeliest_ways_come_first_and_a_long_name_has_no_more_than_the_most():
    made = lookalikes("abcdefghijklmnopqrstuvwxyz" * 2 + ".com")
    ways = [list(Way).index(one.way) for one in made]
    assert (len(made), ways) == (LOOKALIKES_MAX, sorted(ways))


def test_names_of_ones_own_are_not_among_them():
    own = OwnDomains.parse({"names": ["paybill.com", "paybill.cn"], "known": ["pay-bill.com"]})
    names = [one.name for _, one in own.lookalikes()]
    assert not {"paybill.com", "paybill.cn", "pay-bill.com"} & set(names)
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({}, "content.names"),
        ({"names": "paybill.com"}, "content.names"),
        ({"names": ["paybill"]}, "content.names.0"),
        ({"names": ["Paybill.com"]}, "content.names.0"),
        ({"names": ["-a.com"]}, "content.names.0"),
        ({"names": ["a.com", "a.com"]}, "content.names"),
        ({"names": ["a.com"] * 11}, "content.names"),
        ({"names": ["a.com"], "known": [7]}, "content.known.0"),
        ({"names": ["a.com"], "more": []}, "content.more"),
    ],
)
def test_a_list_that_cannot_be_read_is_refused_by_its_field(content, field):
    with pytest.raises(DomainNamesError) as error:
        OwnDomains.parse(content)
    assert error.value.field == field
