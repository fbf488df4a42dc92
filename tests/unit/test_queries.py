"""Queries: read strictly, refused by the parameter's name, and through the list routes."""

from datetime import UTC, datetime

import pytest
from chalice.app import MultiDict

import access_fakes
from api_calls import call
from in_memory import Platform, sample_bills
from rongtong.domain.incident import Desk, IncidentKind
from rongtong.entrypoints import bootstrap
from rongtong.entrypoints.errors import InvalidBodyError
from rongtong.entrypoints.queries import LIMIT, DiscountsQuery, ExecutionsQuery, IncidentsQuery, part_of, read_query


def _read(model=DiscountsQuery, **sent):
    return read_query(MultiDict({name: [value] for name, value in sent.items()}), model)


def test_without_a_query_a_page_has_the_usual_size():
    assert part_of(read_query(None, DiscountsQuery), None).limit == LIMIT


def test_what_is_sent_is_read():
    asked = _read(limit="100", status="DISBURSED", since="2026-04-15T10:00:00+08:00", fields="status,face_fen")
    assert (asked.limit, asked.status, asked.since) == (100, "DISBURSED", datetime(2026, 4, 15, 2, tzinfo=UTC))
    assert part_of(asked, asked.fields).fields == ("status", "face_fen")


def test_incidents_are_asked_for_by_kind_and_desk():
    asked = _read(IncidentsQuery, kind="PAYMENT_RETURNED", owner="treasury")
    assert (asked.kind, asked.owner) == (IncidentKind.PAYMENT_RETURNED, Desk.TREASURY)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "1.0"),
        ("limit", " 1"),
        ("limit", "+1"),
        ("limit", "1_0"),
        ("limit", "١"),
        ("limit", ""),
        ("limit", "null"),
        ("status", "disbursed"),
        ("status", ""),
        ("enterprise_id", "ent_1"),
        ("since", "2026-04-15"),
        ("since", "2026-04-15T10:00:00"),
        ("since", "1776218400"),
        ("since", "2026-02-30T10:00:00Z"),
        ("since", "0001-01-01T00:00:00+08:00"),
        ("until", "9999-12-31T23:59:59-08:00"),
        ("until", "2026-04-15 10:00:00Z"),
        ("fields", ""),
        ("fields", "status,"),
        ("fields", "partner_id"),
        ("fields", "status, face_fen"),
        ("cursor", ""),
        ("cursor", "a b"),
        ("cursor", "a" * 513),
        ("page", "2"),
    ],
)
def test_what_is_not_of_the_form_is_refused_by_its_name(name, value):
    with pytest.raises(InvalidBodyError) as refused:
        _read(**{name: value})
    assert refused.value.field == name


def test_a_parameter_sent_twice_is_refused():
    with pytest.raises(InvalidBodyError) as refused:
        read_query(MultiDict({"limit": ["1", "2"]}), DiscountsQuery)
    assert refused.value.field == "limit"


def test_what_must_be_sent_is_asked_for_by_name():
    with pytest.raises(InvalidBodyError) as refused:
        _read(ExecutionsQuery)
    assert refused.value.field == "status"


@pytest.fixture
def app(monkeypatch):
    platform = Platform()
    platform.context.clock.instant = datetime(2026, 4, 15, 2, tzinfo=UTC)
    platform.accept(sample_bills()[2])
    monkeypatch.setattr(bootstrap, "context", lambda: platform.context)
    return access_fakes.load_app("discount_requests").app


def test_a_list_is_answered_through_its_route(app):
    found = call(app, "GET", "/v1/discounts", query={"limit": "1", "fields": "status"})
    assert (found.status, [set(one) for one in found.body["discounts"]]) == (200, [{"discount_id", "status"}])
    assert call(app, "GET", "/v1/quotes").body == {"quotes": [], "next_cursor": None}


def test_a_bad_cursor_and_a_bad_query_are_problems_with_a_field(app):
    told = [call(app, "GET", "/v1/discounts", query=query) for query in ({"cursor": "abc"}, {"limit": ["1", "2"]})]
    assert [(one.status, one.body["code"], one.body["field"]) for one in told] == [
        (422, "INVALID_CURSOR", "cursor"),
        (422, "INVALID_BODY", "limit"),
    ]


def test_enterprises_are_listed_through_their_route(app):
    registration = access_fakes.load_app("registration").app
    found = call(registration, "GET", "/v1/enterprises", query={"status": "ACTIVE", "limit": "2"})
    assert (found.status, len(found.body["enterprises"])) == (200, 2)
    del app
