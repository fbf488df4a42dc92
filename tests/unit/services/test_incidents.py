"""Incidents have an owner, an age, a person and a resolution, and every step of theirs is an event."""

from datetime import timedelta

import pytest

from fakes import make_context
from rongtong.domain.incident import WHAT_NEXT, Desk, IncidentKind, IncidentStatus, desk_of
from rongtong.services.errors import AssigneeUnknownError, NotFoundError, WrongStateError
from rongtong.services.incidents import assign, incident_id, newest, open_once, resolve
from rongtong.services.records import incident_pk, partner_pk
from rongtong.services.storage import Create

KIND = IncidentKind.STATEMENT_DIFFERS


@pytest.fixture
def context():
    made = make_context()
    for name, role in (("ops-2", "operations"), ("ops-3", "operations"), ("partner-a", "partner")):
        made.store.transact([Create(partner_pk(name), "state", {"role": role, "keys": {}})])
    open_once(made, KIND, "RT1", "RT1/AMOUNT", {"what": "AMOUNT"})
    return made


OWN_ID = incident_id(KIND, "RT1/AMOUNT")


def _events(context):
    stored = context.store.query(incident_pk(OWN_ID), "event#")
    return [(item.body["event"]["type"], item.body["event"]["data"]) for item in stored]


def test_an_incident_belongs_to_its_kind_s_desk_and_grows_old(context):
    context.clock.instant += timedelta(days=2, hours=3, minutes=59)
    (shown,) = newest(context, IncidentStatus.OPEN)["incidents"]
    assert (shown["owner"], shown["age_hours"]) == ("treasury", 51)


def test_a_resolved_incident_grows_old_no_more(context):
    context.clock.instant += timedelta(hours=5)
    resolve(context, "ops-1", OWN_ID, "BOOKED_BY_HAND")
    context.clock.instant += timedelta(days=9)
    (shown,) = newest(context, IncidentStatus.RESOLVED)["incidents"]
    assert (shown["age_hours"], shown["resolved_by"], shown["note"]) == (5, "ops-1", "BOOKED_BY_HAND")


def test_every_kind_has_a_desk_and_something_to_do():
    assert {kind for kind in IncidentKind if desk_of(kind) not in Desk or not WHAT_NEXT[kind]} == set()


def test_to_whom_an_incident_was_given_and_by_whom_is_an_event(context):
    shown = assign(context, "operations", OWN_ID, "ops-2")
    assert (shown["assignee"], shown["assigned_by"], shown["status"]) == ("ops-2", "operations", "OPEN")
    assert _events(context)[1:] == [("IncidentAssigned", {"by": "operations", "assignee": "ops-2"})]


@pytest.mark.parametrize("name", ["partner-a", "nobody"])
def test_an_incident_is_given_to_persons_of_operations_alone(context, name):
    with pytest.raises(AssigneeUnknownError):
        assign(context, "operations", OWN_ID, name)
    assert [kind for kind, _ in _events(context)] == ["IncidentOpened"]


def test_an_incident_that_a_person_has_already_is_not_given_to_her_again(context):
    for _ in range(2):
        assign(context, "operations", OWN_ID, "ops-2")
    assign(context, "operations", OWN_ID, "ops-3")
    assert [data.get("assignee") for _, data in _events(context)] == [None, "ops-2", "ops-3"]


def test_a_resolved_incident_is_given_to_nobody(context):
    resolve(context, "ops-1", OWN_ID, "BOOKED_BY_HAND")
    with pytest.raises(WrongStateError):
        assign(context, "operations", OWN_ID, "ops-2")


def test_an_incident_that_is_none_is_given_to_nobody(context):
    with pytest.raises(NotFoundError):
        assign(context, "operations", "inc_none", "ops-2")


def test_an_assigned_incident_stays_in_the_list_of_open_ones(context):
    assign(context, "operations", OWN_ID, "ops-2")
    assert [one["incident_id"] for one in newest(context, IncidentStatus.OPEN)["incidents"]] == [OWN_ID]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"kind": KIND}, [KIND]),
        ({"owner": Desk.TREASURY}, [KIND]),
        ({"owner": Desk.PLATFORM}, [IncidentKind.STUCK]),
        ({"kind": KIND, "owner": Desk.PLATFORM}, []),
        ({}, [KIND, IncidentKind.STUCK]),
    ],
)
def test_incidents_are_listed_by_kind_and_by_owner(context, asked, found):
    open_once(context, IncidentKind.STUCK, "dsc_1", "dsc_1", {})
    assert [one["kind"] for one in newest(context, IncidentStatus.OPEN, **asked)["incidents"]] == found
