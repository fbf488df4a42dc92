"""The audit finds what was altered, names it, asks a person once, and finds nothing where nothing is wrong."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from access_fakes import ed25519, key_record
from fakes import FixedClock
from in_memory import Platform, sample_bills
from paths import ROOT
from rongtong.domain.audit import DRAWS, MEANINGS, FindingCode, drawn
from rongtong.domain.checkpoint import Checkpoint
from rongtong.domain.incident import IncidentStatus
from rongtong.domain.jobs import Job
from rongtong.domain.tiles import WIDTH
from rongtong.services import (
    access_audit,
    audit_job,
    changes,
    incidents,
    jobs,
    monthly_review,
    replay,
    suspension,
)
from rongtong.services.access_audit import Evidence
from rongtong.services.audit_findings import archived_key
from rongtong.services.audit_receipts import subject_of
from rongtong.services.context import Execution, Running
from rongtong.services.incidents import IncidentKind
from rongtong.services.key_usage import Usage
from rongtong.services.records import POLICY_KEY, STATE, discount_pk, partner_pk
from rongtong.services.storage import Create
from rongtong.services.suspension import SuspensionScope
from rongtong.services.sweep import sweep

GOOD, OTHER = sample_bills()[2], sample_bills()[3]
ROUTES = [{"method": "GET", "path": "/v1/status", "scope": "status:read"}]
STEPS = audit_job.steps(ROUTES)
TOMORROW = timedelta(days=1)


@pytest.fixture
def platform():
    """Two discounts paid, everything logged and cosigned; it is the next day."""
    made = Platform()
    for bill in (GOOD, OTHER):
        made.run(made.accept(bill, f"key-{bill.line}"))
    for who in ("alice", "bob", "carol"):
        made.context.store.transact([Create(partner_pk(who), STATE, {"role": "operations", "keys": {}})])
    sweep(made.context)
    made.context.clock.instant += TOMORROW
    return made


def run_audit(platform, **event):
    """What the state machine does; the run as operations see it."""
    begun = jobs.step(platform.context, Job.AUDIT, STEPS, {"do": "begin", **event})
    if not begun["done"]:
        for stage in STEPS.stages:
            while jobs.step(platform.context, Job.AUDIT, STEPS, {"do": stage, "period": begun["period"]})["more"]:
                pass
        jobs.step(platform.context, Job.AUDIT, STEPS, {"do": "finish", "period": begun["period"]})
    return jobs.load(platform.context, Job.AUDIT, begun["period"]).body


def report_of(platform, run):
    key = archived_key(run["period"], run["found"]["report_sha256"], "json")
    return json.loads(platform.context.archive.get(key))


def findings(platform, **event):
    """Code and subject of everything that an audit finds."""
    run = run_audit(platform, **event)
    return {(one["code"], one["about"]) for one in report_of(platform, run)["findings"]}


def codes(platform, **event):
    return {code for code, _ in findings(platform, **event)}


def acting(platform, who):
    return replace(platform.context, initiator={"key": f"{who}#1", "sig": f"sig of {who}"}, request_id="req-1")


def opened(platform):
    return list(incidents.newest(platform.context, IncidentStatus.OPEN)["incidents"])


def change_item(platform, pk, sk, edit):
    """Somebody writes past the platform."""
    item = platform.context.store.get(pk, sk)
    body = json.loads(json.dumps(item.body))
    edit(body)
    platform.context.store.transact([item.replaced(body)])


# ---- nothing is wrong


def test_a_clean_platform_has_no_finding_and_its_report_says_what_was_looked_at(platform):
    run = run_audit(platform)
    report = report_of(platform, run)
    assert (report["findings"], run["found"]["findings"], opened(platform)) == ([], 0, [])
    assert report["log"]["entries"] >= 10
    assert (report["receipts"]["draws"], report["receipts"]["receipts_verified"]) == (DRAWS, 2)
    assert {row["key"].partition("#")[0] for row in report["keys"]} <= {"partner-a", "alice", "bob", "carol"}


def test_what_the_run_found_is_in_its_event_with_the_hashes_of_report_and_page(platform):
    run = run_audit(platform)
    event = platform.context.store.query(jobs.run_pk(Job.AUDIT, run["period"]), "event#")[-1].body["event"]
    assert event["data"]["report_sha256"] == run["found"]["report_sha256"]
    page = platform.context.archive.get(archived_key(run["period"], event["data"]["page_sha256"], "html"))
    assert hashlib.sha256(page).hexdigest() == event["data"]["page_sha256"]
    assert b"Nothing was found." in page


def test_an_empty_log_is_nothing_wrong():
    assert findings(Platform()) == set()


def test_a_run_that_is_killed_anywhere_finds_the_same_as_one_that_is_not(platform):
    begun = jobs.step(platform.context, Job.AUDIT, STEPS, {"do": "begin"})
    for stage in STEPS.stages:
        # Done, and not kept: the next execution does it again.
        STEPS.stages[stage](
            platform.context, jobs._run(platform.context, jobs.load(platform.context, Job.AUDIT, begun["period"]))
        )
        while jobs.step(platform.context, Job.AUDIT, STEPS, {"do": stage, "period": begun["period"]})["more"]:
            pass
    assert jobs.step(platform.context, Job.AUDIT, STEPS, {"do": "finish", **begun})["found"]["findings"] == 0


class HurriedClock(FixedClock):
    """Each look at it is a minute later: a piece's time is always up."""

    def monotonic(self):
        self.slept_s += 60
        return self.slept_s


def test_a_stage_whose_time_is_up_ends_its_piece_and_the_report_is_the_same(platform):
    whole = report_of(platform, run_audit(platform))
    platform.context = replace(platform.context, clock=HurriedClock(platform.context.clock.instant))
    pieces = []
    counted = jobs.Steps(
        {name: lambda c, r, n=name: pieces.append(n) or STEPS.stages[n](c, r) for name in STEPS.stages}, STEPS.found
    )
    begun = jobs.begin(platform.context, Job.AUDIT, counted, again=True)
    for stage in counted.stages:
        while jobs.work(platform.context, Job.AUDIT, counted, begun["period"], stage)["more"]:
            pass
    jobs.finish(platform.context, Job.AUDIT, counted, begun["period"])
    again = report_of(platform, jobs.load(platform.context, Job.AUDIT, begun["period"]).body)
    assert {**again, "began": whole["began"]} == whole
    assert (pieces.count("receipts"), pieces.count("configuration")) == (DRAWS, 5)


# ---- the log


def last_bundle(platform):
    size = int(platform.context.store.get("log", "head").body["size"])
    return f"tile/entries/000.p/{size}" if size < WIDTH else "tile/entries/000"


def flip(platform, path):
    content = bytearray(platform.context.files.files[path])
    content[40] ^= 1
    platform.context.files.files[path] = bytes(content)


def test_a_flipped_bit_in_a_bundle_is_found_by_the_file_s_name(platform):
    flip(platform, last_bundle(platform))
    assert ("LOG_FILE_WRONG", last_bundle(platform)) in findings(platform)


def test_a_flipped_bit_in_a_tile_at_the_right_edge_is_found(platform):
    flip(platform, last_bundle(platform).replace("entries", "0"))
    assert ("LOG_FILE_WRONG", "the log's right edge") in findings(platform)


def test_a_missing_file_is_found_by_its_name(platform):
    platform.context.files.delete(last_bundle(platform))
    assert ("LOG_FILE_WRONG", last_bundle(platform)) in findings(platform)


def test_a_log_that_nobody_cosigned_is_found(platform):
    change_item(platform, "platform", "witnesses", lambda body: body.update(policy="unreadable"))
    assert "LOG_NOT_COSIGNED" in codes(platform)


def test_a_log_that_does_not_extend_the_audited_one_is_found(platform):
    run_audit(platform)

    def forge(body):
        head = Checkpoint.parse(body["note"].rpartition("\n\n")[0] + "\n")
        body["note"] = replace(head, size=head.size - 1, root=b"\x01" * 32).text() + "\n— x AAAAAAAAAAA=\n"

    change_item(platform, "audit#last", STATE, forge)
    assert "LOG_FORKED" in codes(platform, again=True)


def test_a_log_that_is_smaller_than_the_audited_one_is_found(platform):
    run_audit(platform)

    def grow(body):
        head = Checkpoint.parse(body["note"].rpartition("\n\n")[0] + "\n")
        body["note"] = replace(head, size=head.size + 1).text() + "\n— x AAAAAAAAAAA=\n"

    change_item(platform, "audit#last", STATE, grow)
    assert "LOG_SHRUNK" in codes(platform, again=True)


# ---- receipts


def first_discount(platform):
    return next(item.body["discount_id"] for item in platform.context.store.states("discount#"))


def test_a_receipt_whose_event_was_changed_is_found_by_its_discount(platform):
    discount_id = first_discount(platform)
    pk = discount_pk(discount_id)
    change_item(platform, pk, "event#0001", lambda body: body["event"]["data"].update(forged="yes"))
    found = findings(platform)
    assert {("EVENT_ALTERED", f"{pk} event 1"), ("RECEIPT_WRONG", discount_id)} <= found


def test_an_event_that_is_gone_is_found(platform):
    pk = discount_pk(first_discount(platform))
    del platform.context.store.items[pk, "event#0003"]
    assert any(about.startswith(pk) for code, about in findings(platform) if code == "EVENT_ALTERED")


def test_a_record_that_is_gone_is_found_by_its_leaves(platform):
    pk = discount_pk(first_discount(platform))
    del platform.context.store.items[pk, STATE]
    assert ("EVENT_ALTERED", pk) in findings(platform)


def test_a_forged_contract_is_found_by_its_discount(platform):
    discount_id = first_discount(platform)
    archive = platform.context.archive.objects
    key = next(key for key in archive if key.startswith(f"contracts/{discount_id}/"))
    archive[key] = archive[key].replace(b"rongtong-contract", b"rongtong-c0ntract")
    assert findings(platform) == {("CONTRACT_ALTERED", discount_id)}


def test_a_contract_that_is_gone_is_found(platform):
    discount_id = first_discount(platform)
    archive = platform.context.archive.objects
    del archive[next(key for key in archive if key.startswith(f"contracts/{discount_id}/"))]
    assert findings(platform) == {("CONTRACT_ALTERED", discount_id)}


def test_a_leaf_of_which_nothing_says_whose_it_is_is_found(platform):
    staged = platform.context.files.names("staging/")
    platform.context.files.delete(staged[0])
    assert codes(platform) == {"LEAF_UNTRACED"}


def test_leaves_whose_batches_may_be_forgotten_by_now_are_no_finding(platform):
    run = run_audit(platform)
    platform.context.clock.instant += timedelta(days=390)
    for path in platform.context.files.names("staging/"):
        platform.context.files.delete(path)
    later = run_audit(platform)
    assert report_of(platform, later)["receipts"]["too_old_to_trace"] == DRAWS
    assert run["found"]["log_size"] == later["found"]["log_size"]


def test_a_day_without_an_audit_makes_no_finding_of_batches_that_may_be_forgotten(platform):
    run_audit(platform)
    platform.context.clock.instant += timedelta(days=393)
    for path in platform.context.files.names("staging/"):
        platform.context.files.delete(path)
    assert report_of(platform, run_audit(platform))["receipts"]["too_old_to_trace"] == DRAWS


def test_the_draw_follows_from_the_checkpoint_and_reaches_every_leaf():
    assert {drawn(b"\x07" * 32, number, 10) for number in range(DRAWS * 3)} == set(range(10))
    assert drawn(b"\x07" * 32, 0, 10**6) == drawn(b"\x07" * 32, 0, 10**6) != drawn(b"\x08" * 32, 0, 10**6)


def test_every_leaf_leads_to_whose_it_is(platform):
    size = int(platform.context.store.get("log", "head").body["size"])
    places = {
        index: item.pk
        for item in platform.context.store.items.values()
        if item.sk == STATE
        for start, count in item.body.get("logged", ())
        for index in range(start, start + count)
    }
    assert {index: subject_of(platform.context.files, index) for index in range(size)} == places


# ---- the configuration and changes of it


def test_a_snapshot_that_is_gone_hides_no_change(platform):
    run_audit(platform)
    last = platform.context.store.get("audit#last", STATE).body
    del platform.context.archive.objects[archived_key(last["period"], last["snapshot"], "json")]
    platform.context.clock.instant += TOMORROW
    assert ("CONFIGURATION_UNEXPLAINED", f"snapshot of {last['at']}") in findings(platform)


def propose_and_approve(platform, maker="alice", checker="bob", days=25):
    proposed = changes.propose(acting(platform, maker), maker, f"key-{days}", "policy", {"quote_minutes": days})
    changes.decide(acting(platform, checker), checker, proposed["change_id"], approve=True)
    return proposed["change_id"]


def test_a_change_of_two_persons_is_listed_with_both_and_is_no_finding(platform):
    run_audit(platform)
    propose_and_approve(platform)
    platform.context.clock.instant += TOMORROW
    run = run_audit(platform)
    report = report_of(platform, run)
    assert report["findings"] == []
    assert [(one["by"], one["second"]) for one in report["actions"]] == [("alice", "bob")]


@pytest.mark.parametrize("second", ["bob", "alice"])
def test_what_operations_were_shown_in_full_is_listed_and_found_where_no_second_person_was(platform, second):
    data = {"enterprise_id": "ent_1", "reason": "COMPLAINT", "fields": ["mobile"], "by": "alice", "approved_by": second}
    access_audit.note_disclosure(acting(platform, "alice"), data, list)
    platform.context.clock.instant += TOMORROW
    report = report_of(platform, run_audit(platform))
    assert [(one["what"], one["by"], one["second"]) for one in report["actions"]] == [("disclosure", "alice", second)]
    found = {one["code"] for one in report["findings"]}
    assert ("SECOND_PERSON_MISSING" in found) == (second == "alice")


def test_a_configuration_that_was_changed_past_the_rules_is_found_by_its_record(platform):
    run_audit(platform)
    change_item(platform, *POLICY_KEY, lambda body: body.update(forged=1))
    platform.context.clock.instant += TOMORROW
    (found,) = findings(platform)
    assert found[0] == "CONFIGURATION_UNEXPLAINED"
    assert found[1].startswith("platform policy ")


def test_a_caller_that_was_made_past_the_rules_is_found(platform):
    run_audit(platform)
    platform.context.store.transact([Create(partner_pk("mallory"), STATE, {"role": "operations", "keys": {}})])
    platform.context.clock.instant += TOMORROW
    (found,) = findings(platform)
    assert found[1].startswith("partner#mallory state ")


def test_a_change_that_one_person_approved_for_itself_is_found(platform):
    change_id = propose_and_approve(platform)
    change_item(platform, f"change#{change_id}", STATE, lambda body: body.update(decided_by="Alice"))
    platform.context.clock.instant += TOMORROW
    assert ("SECOND_PERSON_MISSING", f"change {change_id}") in findings(platform)


def test_a_change_whose_events_name_another_person_is_found(platform):
    change_id = propose_and_approve(platform)
    change_item(platform, f"change#{change_id}", STATE, lambda body: body.update(decided_by="carol"))
    platform.context.clock.instant += TOMORROW
    assert ("SECOND_PERSON_MISSING", f"change {change_id}") in findings(platform)


def test_a_change_that_the_person_whom_it_names_did_not_sign_is_found(platform):
    proposed = changes.propose(acting(platform, "alice"), "alice", "key-1", "policy", {"quote_minutes": 20})
    changes.decide(acting(platform, "carol"), "bob", proposed["change_id"], approve=True)
    platform.context.clock.instant += TOMORROW
    assert ("ACTION_UNSIGNED", f"change {proposed['change_id']}, approved") in findings(platform)


# ---- what one person did alone


def test_what_the_monthly_review_restricts_by_its_rules_is_no_persons_unsigned_action(platform):
    own_id = platform.context.store.states("enterprise#")[0].body["enterprise_id"]
    context, scope = platform.context, SuspensionScope.ENTERPRISE
    context.clock.instant -= TOMORROW
    suspension.suspend(context, monthly_review.BY, f"2026-03/{own_id}", scope, own_id, monthly_review.RESTRICTED)
    context.clock.instant += TOMORROW
    run = run_audit(platform)
    assert (run["found"]["by_code"], run["found"]["actions"]) == ({}, 0)


def test_a_person_who_suspends_in_the_monthly_reviews_name_is_found(platform):
    platform.context.clock.instant -= TOMORROW
    by, scope = monthly_review.BY, SuspensionScope.PLATFORM
    suspension.suspend(acting(platform, "alice"), by, "key-alice", scope, None, monthly_review.RESTRICTED)
    platform.context.clock.instant += TOMORROW
    assert codes(platform) == {"ACTION_UNSIGNED", "ACTIONS_TO_REVIEW"}


def suspend(platform, who="alice"):
    suspension.suspend(acting(platform, who), who, f"key-{who}", SuspensionScope.PLATFORM, None, "DRILL")


def test_what_one_person_did_alone_waits_for_another_person_s_look(platform):
    suspend(platform)
    access_audit.note_redelivery(acting(platform, "carol"), "carol", "sweep", "MENDED")
    platform.context.clock.instant += TOMORROW
    run = run_audit(platform)
    done = {(one["what"], one["by"]) for one in report_of(platform, run)["actions"]}
    assert done == {("redelivery", "carol"), ("suspension", "alice")}
    (waiting,) = opened(platform)
    assert (waiting["kind"], waiting["data"]["actors"]) == (IncidentKind.AUDIT_REVIEW, ["alice", "carol"])


def test_what_persons_did_on_days_without_an_audit_is_looked_at_by_the_next_one_day_by_day(platform):
    run_audit(platform)
    suspend(platform)
    platform.context.clock.instant += TOMORROW
    access_audit.note_redelivery(acting(platform, "carol"), "carol", "sweep", "MENDED")
    platform.context.clock.instant += TOMORROW
    run = run_audit(platform)
    assert [(one["what"], one["by"]) for one in report_of(platform, run)["actions"]] == [
        ("suspension", "alice"),
        ("redelivery", "carol"),
    ]
    assert {one["subject"] for one in opened(platform)} == {"2026-04-16", "2026-04-17"}
    platform.context.clock.instant += TOMORROW
    assert report_of(platform, run_audit(platform))["actions"] == []


def test_an_audit_that_is_done_again_looks_at_its_own_day_alone(platform):
    suspend(platform)
    platform.context.clock.instant += TOMORROW
    first = report_of(platform, run_audit(platform))["actions"]
    access_audit.note_redelivery(acting(platform, "carol"), "carol", "sweep", "MENDED")
    platform.context.clock.instant += TOMORROW
    run_audit(platform)
    again = run_audit(platform, period="2026-04-16", again=True)
    assert report_of(platform, again)["actions"] == first


def test_a_replay_that_somebody_asked_for_is_listed_and_the_sweeper_s_are_not(platform):
    discount_id = platform.accept(sample_bills()[4], "key-9")
    replay.replay(acting(platform, "alice"), "alice", discount_id, "BANK_IS_BACK")
    name = replay.execution_name(platform.discount(discount_id))
    platform.context.workflows.executions[name] = Execution(name, Running.FAILED)
    replay.replay(acting(platform, "alice"), "alice", discount_id, "BANK_IS_BACK")
    run = replay.execution_name(platform.discount(discount_id))
    platform.context.workflows.executions[run] = Execution(run, Running.FAILED)
    replay.carry_on(platform.context, platform.discount(discount_id), by="sweeper", why="NOT_AT_REST")
    platform.context.clock.instant += TOMORROW
    actions = report_of(platform, run_audit(platform))["actions"]
    events = platform.context.store.query(discount_pk(discount_id), "event#")
    told = [item.body["event"]["data"]["by"] for item in events if item.body["event"]["type"] == "ExecutionReplayed"]
    assert [one["by"] for one in actions] == [by for by in told if by != "sweeper"]
    assert set(told) == {"alice", "sweeper"}


def test_the_second_look_of_a_person_who_acted_is_found_and_that_of_another_is_not(platform):
    for who, expected in (("alice", {"REVIEWED_BY_ACTOR"}), ("bob", set())):
        suspend(platform, who="alice" if who == "alice" else "carol")
        change_item(platform, "suspended#platform", STATE, lambda body: body.update(active=False))
        platform.context.clock.instant += TOMORROW
        run_audit(platform)
        (waiting,) = [one for one in opened(platform) if one["kind"] == IncidentKind.AUDIT_REVIEW]
        incidents.resolve(acting(platform, who), who, waiting["incident_id"], "LOOKED_AT")
        platform.context.clock.instant += TOMORROW
        assert codes(platform) == expected


def test_an_incident_that_a_person_settled_is_an_action_and_one_that_a_fact_settled_is_none(platform):
    for kind, by, context in (
        (IncidentKind.STUCK, "alice", acting(platform, "alice")),
        (IncidentKind.PAYMENT_RETURNED, "bank", platform.context),
    ):
        incidents.open_once(platform.context, kind, "one", "one", {})
        incidents.resolve(context, by, incidents.incident_id(kind, "one"), "DONE")
    platform.context.clock.instant += TOMORROW
    actions = report_of(platform, run_audit(platform))["actions"]
    assert [(one["what"], one["by"]) for one in actions] == [("resolution of STUCK", "alice")]


@pytest.mark.parametrize("by", ["alice", "bank"])
def test_an_incident_that_was_settled_without_a_signature_is_found(platform, by):
    incidents.open_once(platform.context, IncidentKind.STUCK, "one", "one", {})
    own_id = incidents.incident_id(IncidentKind.STUCK, "one")
    incidents.resolve(platform.context, by, own_id, "DONE")
    platform.context.clock.instant += TOMORROW
    assert ("ACTION_UNSIGNED", f"incident {own_id}") in findings(platform)


# ---- reads of evidence


def test_reads_in_bulk_and_at_night_are_found_by_the_key(platform):
    for number in range(50):
        access_audit.note_read(acting(platform, "alice"), Evidence.TIMELINE, f"dsc_{number}")
    platform.context.clock.instant = datetime(2026, 4, 16, 15, 0, tzinfo=UTC)
    access_audit.note_read(acting(platform, "bob"), Evidence.TIMELINE, "dsc_1")
    platform.context.clock.instant += TOMORROW
    assert findings(platform) == {
        ("EVIDENCE_READ_IN_BULK", "alice#1 on 2026-04-16"),
        ("EVIDENCE_READ_AT_NIGHT", "bob#1 on 2026-04-16"),
    }


def test_what_partners_read_of_their_own_is_their_own_business(platform):
    platform.context.clock.instant = datetime(2026, 4, 16, 15, 0, tzinfo=UTC)
    for number in range(60):
        access_audit.note_read(acting(platform, "partner-a"), Evidence.RECEIPT, f"dsc_{number}")
    platform.context.clock.instant += TOMORROW
    assert findings(platform) == set()


# ---- privileges


def give_key(platform, who="alice", number="1", **parts):
    change_item(
        platform, partner_pk(who), STATE, lambda body: body["keys"].update({number: key_record(ed25519(), **parts)})
    )


def audited_for(platform, days):
    """Audited once, and again so many days later."""
    run_audit(platform)
    platform.context.clock.instant += timedelta(days=days)
    return findings(platform)


def use(platform, key_id, *scopes):
    for scope in scopes:
        Usage().note(platform.context.store, key_id, scope, platform.context.clock.now())


def test_a_key_that_was_never_used_for_90_days_is_found_and_not_before(platform):
    give_key(platform, scopes=["operations:read"])
    assert audited_for(platform, 89) == set()
    platform.context.clock.instant += timedelta(days=1)
    assert codes(platform) == {"KEY_UNUSED"}


def test_a_key_that_was_used_long_ago_is_found_with_the_day(platform):
    give_key(platform, scopes=["operations:read"])
    use(platform, "alice#1", "operations:read")
    assert audited_for(platform, 100) == {("KEY_UNUSED", "alice#1 2026-04-16")}


def test_scopes_that_a_used_key_does_not_use_are_found(platform):
    give_key(platform, scopes=["operations:read", "operations:suspend"])
    run_audit(platform)
    platform.context.clock.instant += timedelta(days=100)
    use(platform, "alice#1", "operations:read")
    platform.context.clock.instant += TOMORROW
    run = run_audit(platform)
    (found,) = report_of(platform, run)["findings"]
    assert (found["code"], found["about"]) == ("SCOPES_UNUSED", "alice#1 in 2026")
    assert "operations:suspend" in found["text"]
    assert "operations:read" not in found["text"]


@pytest.mark.parametrize(("days", "code"), [(0, "KEY_EXPIRED"), (20, "KEY_EXPIRES_SOON")])
def test_a_key_whose_time_is_over_or_soon_is_found(platform, days, code):
    ends = platform.context.clock.now() + timedelta(days=days - 1)
    give_key(platform, not_after=ends.isoformat())
    assert codes(platform) == {code}


def test_a_revoked_key_is_no_finding(platform):
    ends = (platform.context.clock.now() - timedelta(days=9)).isoformat()
    give_key(platform, not_after=ends, revoked_at=ends)
    assert findings(platform) == set()


def test_a_caller_that_cannot_be_read_is_found(platform):
    change_item(platform, partner_pk("alice"), STATE, lambda body: body.update(role="king"))
    assert findings(platform) == {("CALLER_UNREADABLE", "alice")}


def test_a_use_is_noted_once_a_day_whatever_number_of_processes_sees_it(platform):
    store, now = platform.context.store, platform.context.clock.now()
    first, second = Usage(), Usage()
    before = store.write_units
    for each in (first, first, second):
        each.note(store, "alice#1", "operations:read", now)
    assert store.write_units - before == 1
    first.note(store, "alice#1", "operations:read", now + TOMORROW)
    assert store.get("usage#alice#1", "scope#operations:read").body["days"] == 2


# ---- what follows of a finding


def test_a_finding_opens_one_incident_however_often_it_is_found(platform):
    discount_id = first_discount(platform)
    platform.context.archive.objects = {
        key: content for key, content in platform.context.archive.objects.items() if discount_id not in key
    }
    for _ in range(2):
        assert findings(platform) == {("CONTRACT_ALTERED", discount_id)}
        platform.context.clock.instant += TOMORROW
    (incident,) = opened(platform)
    assert (incident["kind"], incident["data"]["finding"]) == (IncidentKind.AUDIT_FINDING, "CONTRACT_ALTERED")
    incidents.resolve(acting(platform, "bob"), "bob", incident["incident_id"], "RESTORED")
    findings(platform)
    assert opened(platform) == []


def test_every_finding_says_what_to_do_and_the_runbook_says_the_same():
    assert set(MEANINGS) == set(FindingCode)
    page = (ROOT / "docs" / "operations" / "audit.md").read_text(encoding="utf-8")
    rows = page.partition("<!-- findings")[2].partition("<!-- /findings -->")[0].splitlines()[3:]
    assert rows == [f"| `{code}` | {meaning} | {remedy} |" for code, (meaning, remedy) in MEANINGS.items()]
