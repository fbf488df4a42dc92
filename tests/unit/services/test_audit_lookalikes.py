"""Look-alikes that are registered are told once each, asked for within bounds, and their silence is told too."""

from dataclasses import replace
from datetime import timedelta

import pytest

from driven_jobs import drive
from in_memory import Platform
from rongtong.domain.incident import IncidentKind, IncidentStatus
from rongtong.domain.jobs import Job
from rongtong.domain.lookalikes import HARMLESS, OwnDomains
from rongtong.services import audit_job, changes, incidents
from rongtong.services.sweep import sweep

STEPS = audit_job.steps([])
NAMES = ["rongtong-sample.com"]


class Dns:
    """Knows registered names; ``silent`` ones nobody answers for."""

    def __init__(self):
        self.registered_names, self.silent, self.asked = set(), set(), []

    def registered(self, names):
        self.asked.append(list(names))
        return {name: name in self.registered_names for name in names if name not in self.silent}


@pytest.fixture
def dns():
    return Dns()


@pytest.fixture
def platform(dns):
    made = Platform()
    made.context = replace(made.context, domain_names=dns)
    own(made, {"names": NAMES})
    return made


def own(platform, content):
    key = f"key-{len(content)}"
    proposed = changes.propose(acting(platform, "alice"), "alice", key, "domains", content)
    changes.decide(acting(platform, "bob"), "bob", proposed["change_id"], approve=True)


def acting(platform, who):
    return replace(platform.context, initiator={"key": f"{who}#1", "sig": f"sig of {who}"})


def audit(platform):
    """The next day's audit; what it found."""
    for _ in range(2):
        platform.context.clock.instant += timedelta(minutes=1)
        sweep(platform.context)
    platform.context.clock.instant += timedelta(days=1)
    return drive(platform.context, Job.AUDIT, STEPS)


def told(platform):
    listed = incidents.newest(platform.context, IncidentStatus.OPEN, kind=IncidentKind.LOOKALIKE_DOMAIN)
    return {one["subject"]: one for one in listed["incidents"]}


def wanted():
    return [one.name for _, one in OwnDomains(tuple(NAMES)).lookalikes()]


def test_every_name_is_asked_for_once_a_day_and_what_is_registered_is_an_incident(platform, dns):
    dns.registered_names = {"rongtong-sarnple.com", "rongtong-sample.cn"}
    found = audit(platform)
    assert [name for batch in dns.asked for name in batch] == wanted()
    assert (found["lookalikes_answered"], found["lookalikes_registered"]) == (len(wanted()), 2)
    assert {name: one["data"] for name, one in told(platform).items()} == {
        "rongtong-sarnple.com": {"imitates": NAMES[0], "way": "ASCII_TWIN"},
        "rongtong-sample.cn": {"imitates": NAMES[0], "way": "OTHER_END"},
    }


def test_one_that_is_open_is_not_told_again(platform, dns):
    dns.registered_names = {"rongtong-sample.cn"}
    audit(platform)
    first = told(platform)
    audit(platform)
    assert {one["incident_id"] for one in told(platform).values()} == {one["incident_id"] for one in first.values()}


@pytest.mark.parametrize(("note", "again"), [(HARMLESS, False), ("TAKEN_DOWN", True)])
def test_one_that_was_settled_comes_back_unless_it_is_harmless(platform, dns, note, again):
    dns.registered_names = {"rongtong-sample.cn"}
    audit(platform)
    (one,) = told(platform).values()
    incidents.resolve(acting(platform, "alice"), "alice", one["incident_id"], note)
    audit(platform)
    assert bool(told(platform)) is again


def test_one_that_was_taken_down_and_is_gone_stays_settled(platform, dns):
    dns.registered_names = {"rongtong-sample.cn"}
    audit(platform)
    (one,) = told(platform).values()
    incidents.resolve(acting(platform, "alice"), "alice", one["incident_id"], "TAKEN_DOWN")
    dns.registered_names = set()
    audit(platform)
    assert told(platform) == {}


def test_what_is_known_to_be_ours_is_not_asked_for(platform, dns):
    dns.registered_names = {"rongtong-sample.cn"}
    own(platform, {"names": NAMES, "known": ["rongtong-sample.cn"]})
    audit(platform)
    assert told(platform) == {}


def test_where_nobody_answers_the_stage_ends_with_a_finding_and_the_audit_goes_on(platform, dns):
    dns.silent = set(wanted())
    found = audit(platform)
    assert (len(dns.asked), found["lookalikes_answered"]) == (1, 0)
    assert found["by_code"]["LOOKALIKES_NOT_SEEN"] == 1


def test_single_names_that_nobody_answers_for_keep_no_other_from_being_asked(platform, dns):
    dns.silent, dns.registered_names = {wanted()[0]}, {wanted()[-1]}
    found = audit(platform)
    assert found["lookalikes_answered"] == len(wanted()) - 1
    assert set(told(platform)) == {wanted()[-1]}
    assert "LOOKALIKES_NOT_SEEN" not in found["by_code"]


def test_a_run_opens_so_many_incidents_and_the_next_one_the_others(platform, dns):
    dns.registered_names = set(wanted()[:70])
    audit(platform)
    assert len(told(platform)) == 50
    audit(platform)
    assert len(told(platform)) == 70


def test_without_domains_of_ones_own_nobody_is_asked(dns):
    platform = Platform()
    platform.context = replace(platform.context, domain_names=dns)
    found = audit(platform)
    assert (dns.asked, found["lookalikes_answered"]) == ([], 0)
    assert "LOOKALIKES_NOT_SEEN" not in found["by_code"]
