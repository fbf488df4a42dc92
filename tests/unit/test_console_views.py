"""The console's sections: what the API answers is shown, as text; each act is asked once and does what it says."""

import json

import pytest

from console_api import running_console_api
from console_node import SECTIONS, told_by
from in_memory import sample_bills
from openapi import DOCUMENT
from rongtong.domain.incident import IncidentKind
from rongtong.services import changes, complaints, incidents, suspension
from rongtong.services import watch as watching
from rongtong.services.context import Execution, Running
from rongtong.services.records import change_pk, incident_pk

DESCRIBED = json.loads(DOCUMENT.read_text(encoding="utf-8"))
HOSTILE = "<img src=x onerror=alert(1)>&lt;"
ELEMENTS = {
    *("main", "h2", "h3", "p", "a", "ul", "li", "dl", "dt", "dd", "div", "span", "strong", "code", "time", "section"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td", "details", "summary", "meter"),
    *("button", "form", "label", "input", "select", "option"),
}
SAMPLES = sample_bills()
DOUBTFUL = next(bill for bill in SAMPLES if bill.expected == "in_review")
GOOD, ANOTHER, *_ = [bill for bill in SAMPLES if bill.expected == "disbursed" and not bill.quote and not bill.at]

# What app.js gives to a section, with choices that are kept in `chosen`.
_PAGE = """
import { elements, fill, install, press, shown } from "DOM";
import { ask } from "PAGE/action.js";
import { Api, Problem } from "PAGE/api.js";
import { executions, incidents, reviews } from "PAGE/cases.js";
import { changes } from "PAGE/changes.js";
import * as institution from "PAGE/institution.js";
import { overview } from "PAGE/overview.js";
import { accesses, complaints, jobs, suspensions } from "PAGE/oversight.js";
import { Session } from "PAGE/session.js";
import { Show } from "PAGE/show.js";
import { callerOf, openKey } from "PAGE/signing.js";
import { speaker } from "PAGE/words.js";
install();
const { portfolio, discounts, terms } = institution;
const views = {
  overview, incidents, reviews, executions, changes, suspensions, complaints, jobs, accesses,
  portfolio, discounts, terms,
};
const say = speaker("en"), show = new Show(say), done = [];
const pageOf = (api, caller, chosen = {}) => ({
  api, say, show, caller,
  now: () => Date.now(),
  chosen: (name, otherwise) => chosen[name] ?? otherwise,
  choose: (name) => (value) => { chosen[name] = value; },
  ask: (options) => ask({ say, show, ...options, done: () => { done.push(options.title); } }),
  lookUp: () => null,
  shown: async (answer, shape = (document) => show.value(document)) => shape((await answer).document),
  tried: (answer) => answer,
});
const enter = async (caller) => {
  const session = new Session();
  session.open(await openKey(`${caller}#1`, given.keys[caller]));
  return new Api(given.base, session);
};
"""
_HOSTILE = """
const answered = (route) => {
  const found = given.answers.find(([pattern]) => new RegExp(`^${pattern}$`).test(route));
  return { document: found[1], etag: given.hostile };
};
const told = {};
const opened = { discount: "dsc_1", complaint: "cmp_1", job: "audit", day: "2026-04-14", which: "" };
for (const [name, view] of Object.entries(views)) {
  for (const chosen of [{}, opened]) {
    const root = shown(await view(pageOf({ get: async (route) => answered(route) }, "operations", chosen)));
    const all = elements(root);
    const names = [...new Set(all.map((one) => one.name))];
    const attributes = [...new Set(all.flatMap((one) => Object.keys(one.attributes)))];
    told[`${name} ${Object.keys(chosen).length}`] = [names, attributes, root.textContent.includes(given.hostile)];
  }
}
tell(told);
"""


def _filled(schema, depth=0):
    """A value of a schema with hostile text wherever there may be text, names of members among it."""
    if "$ref" in schema:
        return _filled(DESCRIBED["components"]["schemas"][schema["$ref"].rpartition("/")[2]], depth)
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return _filled(next(one for one in schema[several] if one.get("type") != "null"), depth)
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        made = {name: _filled(form, depth + 1) for name, form in schema.get("properties", {}).items()}
        more = schema.get("additionalProperties", False)
        if isinstance(more, dict) and more:
            made[HOSTILE] = _filled(more, depth + 1)
        elif more is True or more == {}:
            # Anything, and what an event has.
            made[HOSTILE] = {HOSTILE: [HOSTILE, {HOSTILE: [[HOSTILE], {"note": HOSTILE}]}]}
            made |= {"at": HOSTILE, "by": {"key": HOSTILE}, "data": {HOSTILE: HOSTILE}}
        return made
    if kind == "array":
        if "prefixItems" in schema:
            return [_filled(one, depth + 1) for one in schema["prefixItems"]]
        return [_filled(schema["items"], depth + 1)]
    return {"integer": 1, "number": 1, "boolean": True}.get(kind, HOSTILE)


def _answers():
    """Of every GET: its path as a pattern, and a hostile answer; paths without parameters first."""
    found = []
    for path, methods in DESCRIBED["paths"].items():
        content = methods.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        if "application/json" in content and content["application/json"].get("schema"):
            parts = ["[^/]+" if part.startswith("{") else part for part in path.split("/")]
            found.append(["/".join(parts), _filled(content["application/json"]["schema"])])
    return sorted(found, key=lambda one: one[0].count("[^/]+"))


def test_whatever_an_answer_holds_is_shown_as_text():
    told = told_by(_PAGE + _HOSTILE, answers=_answers(), hostile=HOSTILE)
    assert len(told) == 24
    for view, (names, attributes, is_there) in told.items():
        assert set(names) <= ELEMENTS, view
        assert [name for name in attributes if name.startswith("on") or name in ("style", "src")] == [], view
        # No discount is named yet, and no change is one that waits.
        assert is_there is (view not in ("accesses 0", "changes 0")), view


def test_no_element_takes_a_listener_a_style_or_an_address_as_text():
    script = """
    import { install } from "DOM";
    import { el } from "PAGE/dom.js";
    install();
    const made = ([name, value]) => el("a", { [name]: value }) && "made";
    const tried = (pair) => { try { return made(pair); } catch (error) { return error.name; } };
    tell(given.attributes.map(tried));
    """
    bad = [["onclick", "x"], ["style", "x"], ["src", "x"], ["href", "javascript:x"], ["href", "//x"], ["srcdoc", "x"]]
    assert told_by(script, attributes=[*bad, ["href", "#incidents"]]) == [*["TypeError"] * len(bad), "made"]


# ---- what is asked once, and sent under one key

_ASKED = """
import { elements, fill, install } from "DOM";
import { ask, reason } from "PAGE/action.js";
import { Problem } from "PAGE/api.js";
import { Show } from "PAGE/show.js";
import { speaker } from "PAGE/words.js";
const body = install(), say = speaker("en"), sent = [], seen = [], met = [...given.statuses];
let isDone = false, isStale = false;
const send = async (values, key) => {
  sent.push([key, values]);
  const [status, code] = met.shift();
  if (status !== 200) throw new Problem(status, { code, field: "note", detail: "Mend it." });
};
const says = "Incident inc_1 is closed.";
ask({
  say, show: new Show(say), title: "Resolve", says, fields: given.fields === 0 ? [] : [reason(say, "note")], send,
  done: () => { isDone = true; }, stale: () => { isStale = true; },
});
const opened = body.textContent;
for (const _ of given.statuses) {
  const dialog = await fill(given.fields === 0 ? {} : { note: "BANK_CORRECTED" });
  const inputs = elements(dialog).filter((one) => one.name === "input");
  seen.push([dialog.textContent, inputs.every((one) => one.disabled)]);
}
const left = body.children.length;
body.children.filter((one) => one.name === "dialog").forEach((one) => one.close());
tell({ opened, sent, seen, isDone, isStale, left });
"""


def test_what_was_not_decided_is_sent_again_under_the_same_key():
    told = told_by(_ASKED, statuses=[[0, "UNREACHED"], [503, "BUSY_TRY_AGAIN"], [409, "REQUEST_RUNNING"], [200, ""]])
    assert "Incident inc_1 is closed." in told["opened"]
    assert len({key for key, _ in told["sent"]}) == 1
    assert [values for _, values in told["sent"]] == [{"note": "BANK_CORRECTED"}] * 4
    assert all("Send the same request again" in text and is_locked for text, is_locked in told["seen"][:3])
    assert (told["isDone"], told["isStale"], told["left"]) == (True, False, 0)


def test_what_was_written_wrong_is_sent_anew_under_another_key():
    told = told_by(_ASKED, statuses=[[422, "INVALID_BODY"], [200, ""]])
    assert len({key for key, _ in told["sent"]}) == 2
    text, is_locked = told["seen"][0]
    assert all(part in text for part in ("INVALID_BODY", "note", "Mend it."))
    assert (is_locked, told["isDone"], told["isStale"]) == (False, True, False)


def test_what_was_refused_for_nothing_that_a_person_wrote_cannot_be_sent_again():
    told = told_by(_ASKED, statuses=[[422, "CHANGE_STALE"]], fields=0)
    text, _ = told["seen"][0]
    assert "CHANGE_STALE" in text
    assert "Confirm" not in text
    assert told["isStale"]


@pytest.mark.parametrize(("status", "code"), [(403, "FORBIDDEN"), (404, "NOT_FOUND"), (412, "PRECONDITION_FAILED")])
def test_what_was_refused_says_so_and_cannot_be_sent_again(status, code):
    told = told_by(_ASKED, statuses=[[status, code]])
    text, _ = told["seen"][0]
    assert code in text
    assert "Confirm" not in text
    assert (told["isDone"], told["left"]) == (False, 1)
    # Once the person has read it, the section is read again.
    assert told["isStale"]


# ---- against the API itself


@pytest.fixture
def api():
    with running_console_api() as running:
        yield running


def _does(api, script):
    """What the script tells of the page against the API."""
    return told_by(_PAGE + script, base=api.base_url, keys=api.keys)


@pytest.fixture
def busy(api):
    """With something in every section."""
    context, platform = api.platform.context, api.platform
    doubtful = platform.accept(DOUBTFUL, "key-1")
    platform.run(doubtful)
    paid = platform.accept(GOOD, "key-2")
    platform.run(paid)
    incidents.open_once(context, IncidentKind.STATEMENT_DIFFERS, paid, paid, {"amount_fen": 123_456_789})
    suspended = suspension.SuspensionScope.INSTITUTION
    suspension.suspend(context, "operations-2", "key-1", suspended, "bank-2", "DRILL")
    release = {"scope": "institution", "id": "bank-2", "reason": "DRILL_OVER"}
    changes.propose(context, "operations-2", "key-2", "release", release)
    complaint = complaints.Complain("partner-a", "key-1", "digest", "discount", paid, "PRICE", "利息与报价不符")
    complaints.receive(context, complaint)
    watching.watch(context, lambda: {"sweep": 1})
    return api


_READ = """
const told = {};
for (const [caller, names] of Object.entries(given.sections)) {
  const api = await enter(caller);
  for (const name of names) {
    const page = pageOf(api, caller, given.chosen[name] || {});
    told[name] = shown(await views[name](page)).textContent;
  }
}
tell(told);
"""


def test_every_section_reads_what_the_api_answers(busy):
    store = busy.platform.context.store
    found = {
        item.body["status"]: pk
        for (pk, sk), item in store.items.items()
        if pk.startswith("discount#") and sk == "state"
    }
    doubtful, paid = (found[status].partition("#")[2] for status in ("IN_REVIEW", "DISBURSED"))
    sections = {
        "operations": [*SECTIONS],
        "sample-institution": ["portfolio", "discounts", "terms"],
    }
    chosen = {"accesses": {"discount": paid}, "jobs": {"job": "audit"}}
    told = told_by(_PAGE + _READ, base=busy.base_url, keys=busy.keys, sections=sections, chosen=chosen)
    assert "DiscountsStuck" in told["overview"]
    assert all(part in told["incidents"] for part in (paid, "1,234,567.89 yuan", "STATEMENT_DIFFERS", "treasury"))
    assert all(part in told["reviews"] for part in (doubtful, DOUBTFUL.reason))
    assert "sweep" in told["executions"]
    assert all(part in told["changes"] for part in ("release", "operations-2", "DRILL_OVER"))
    assert all(part in told["suspensions"] for part in ("bank-2", "DRILL"))
    assert "PRICE" in told["complaints"]
    assert all(job in told["jobs"] for job in ("reconciliation", "audit", "backup"))
    assert GOOD.request["institution_id"] == "bank-1"
    assert all(part in told["discounts"] for part in (doubtful, paid, "DISBURSED"))
    assert "bank-1" in told["terms"]
    assert "Maturity ladder" in told["portfolio"]


def test_who_opened_a_review_stands_among_the_accesses(busy):
    script = """
    const reviewer = await enter("operations-2"), chosen = {};
    await press(shown(await reviews(pageOf(reviewer, "operations-2", chosen))), "Open");
    await reviews(pageOf(reviewer, "operations-2", chosen));
    tell(shown(await accesses(pageOf(await enter("operations"), "operations", chosen))).textContent);
    """
    told = _does(busy, script)
    assert all(part in told for part in ("REVIEW", "operations-2#1"))


_DECIDE = """
const api = await enter("operations"), chosen = {};
const page = pageOf(api, "operations", chosen);
await press(shown(await reviews(page)), "Open");
const seen = shown(await reviews(page));
await press(seen, given.decision);
const dialog = await fill({ note: "FILES_SEEN" });
tell([chosen.discount, dialog.textContent, done]);
"""


@pytest.mark.parametrize(("button", "decided"), [("Approve", "approve"), ("Reject", "reject")])
def test_a_reviewer_decides_what_was_opened_and_is_told_what_that_does(busy, button, decided):
    opened, text, done = told_by(_PAGE + _DECIDE, base=busy.base_url, keys=busy.keys, decision=button)
    body = busy.platform.body(opened)
    assert body["review"] == decided
    assert opened in text
    assert f"{body['face_fen'] // 100:,}.00 yuan" in text
    assert done == [button]


def test_an_incident_is_given_to_a_person_and_settled(busy):
    script = """
    const api = await enter("operations"), page = pageOf(api, "operations");
    await press(shown(await incidents(page)), "Assign");
    await fill({ assignee: "operations-2" });
    await press(shown(await incidents(page)), "Resolve");
    await fill({ note: "BANK_CORRECTED" });
    const left = shown(await incidents(page)).textContent;
    const settled = shown(await incidents(pageOf(api, "operations", { status: "resolved" }))).textContent;
    tell([left, settled]);
    """
    left, settled = _does(busy, script)
    assert "None." in left
    assert all(part in settled for part in ("operations-2", "BANK_CORRECTED"))
    (body,) = [
        one.body
        for (pk, sk), one in busy.platform.context.store.items.items()
        if pk.startswith(incident_pk("")) and sk == "state"
    ]
    assert (body["status"], body["resolved_by"], body["assignee"]) == ("RESOLVED", "operations", "operations-2")


_CHANGE = """
const told = {};
for (const caller of ["operations", "operations-2"]) {
  const root = shown(await changes(pageOf(await enter(caller), caller)));
  told[caller] = elements(root).filter((one) => one.name === "button").map((one) => one.textContent);
}
const page = pageOf(await enter(given.caller), given.caller);
await press(shown(await changes(page)), given.button);
told.dialog = document.body.textContent;
told.after = (await fill({})).textContent;
tell(told);
"""


def test_a_change_is_approved_by_the_second_person_alone(busy):
    told = told_by(_PAGE + _CHANGE, base=busy.base_url, keys=busy.keys, caller="operations", button="Approve")
    assert told["operations"] == ["Approve", "Reject"]
    assert told["operations-2"] == ["Withdraw"]
    assert all(part in told["dialog"] for part in ("takes effect at once", "operations-2", "bank-2", "DRILL_OVER"))
    (change,) = changes.newest(busy.platform.context)
    assert (change["status"], change["decided_by"]) == ("APPROVED", "operations")
    decisions = [seen for seen in busy.seen if seen.path.endswith("/decision")]
    assert [bool(seen.headers.get("if-match")) for seen in decisions] == [True]


def test_what_one_has_proposed_can_be_withdrawn(busy):
    told_by(_PAGE + _CHANGE, base=busy.base_url, keys=busy.keys, caller="operations-2", button="Withdraw")
    (change,) = changes.newest(busy.platform.context)
    assert (change["status"], change["decided_by"]) == ("REJECTED", "operations-2")


def test_a_change_that_another_decided_meanwhile_is_not_decided_again(busy):
    script = """
    const [first, second] = [await enter("operations"), await enter("operations")];
    const page = pageOf(first, "operations");
    await press(shown(await changes(page)), "Approve");
    const { document: { changes: [one] } } = await second.get("/v1/operations/changes");
    await second.post(`/v1/operations/changes/${one.change_id}/decision`, { decision: "reject" }, { key: "key-9" });
    tell((await fill({})).textContent);
    """
    assert "PRECONDITION_FAILED" in _does(busy, script)
    assert changes.newest(busy.platform.context)[0]["status"] == "REJECTED"


def test_business_is_suspended_by_one_and_released_by_two(busy):
    script = """
    const first = pageOf(await enter("operations"), "operations");
    await press(shown(await suspensions(first)), "Suspend business");
    await fill({ scope: "platform", id: "", reason: "API_FAULTS" });
    const held = shown(await suspensions(first)).textContent;
    await press(shown(await suspensions(first)), "Propose the release", 0);
    await fill({ reason: "CAUSE_MENDED" });
    const second = pageOf(await enter("operations-2"), "operations-2");
    await press(shown(await changes(second)), "Approve");
    await fill({});
    tell([held, shown(await suspensions(second)).textContent]);
    """
    held, left = _does(busy, script)
    assert all(part in held for part in ("platform", "API_FAULTS", "bank-2"))
    assert "API_FAULTS" not in left
    assert "bank-2" in left


def test_a_complaint_is_taken_and_answered(busy):
    script = """
    const api = await enter("operations"), chosen = {}, page = pageOf(api, "operations", chosen);
    await press(shown(await complaints(page)), "Open");
    await press(shown(await complaints(page)), "Take");
    await fill({});
    await press(shown(await complaints(page)), "Answer");
    await fill({ text: "已核对 <b>利息</b> 无误" });
    tell(shown(await complaints(page)).textContent);
    """
    told = _does(busy, script)
    assert all(part in told for part in ("ANSWERED", "利息与报价不符", "已核对 <b>利息</b> 无误", "operations"))


def test_a_failed_execution_is_replayed_and_dead_letters_are_delivered_again(busy):
    platform, workflows = busy.platform, busy.platform.context.workflows
    failed, now = platform.accept(ANOTHER, "key-3"), platform.context.clock.now()
    workflows.executions[failed] = Execution(failed, Running.FAILED, error="BankUnavailableError", ended_at=now)
    script = """
    const page = pageOf(await enter("operations"), "operations");
    const seen = shown(await executions(page));
    await press(seen, "Replay");
    await fill({ why: "CAUSE_MENDED" });
    await press(seen, "Deliver again");
    await fill({ why: "SWEEPER_MENDED" });
    tell([seen.textContent, done]);
    """
    seen, done = _does(busy, script)
    assert all(part in seen for part in (failed, "BankUnavailableError"))
    assert workflows.executions[f"{failed}-r1"].running is Running.RUNNING
    assert done == ["Replay", "Deliver again"]
    assert busy.letters.waiting == []


def test_an_institutions_limit_is_proposed_in_yuan_and_kept_in_fen(busy):
    script = """
    const page = pageOf(await enter("sample-institution"), "sample-institution");
    await press(shown(await terms(page)), "Propose another limit");
    const wrong = (await fill({ limit: "1,50" })).textContent;
    await fill({ limit: "2,500,000,000.01" });
    const second = pageOf(await enter("sample-institution-2"), "sample-institution-2");
    await press(shown(await terms(second)), "Approve");
    await fill({});
    tell([wrong, shown(await terms(second)).textContent]);
    """
    wrong, after = _does(busy, script)
    assert "Write an amount" in wrong
    assert "2,500,000,000.01 yuan" in after
    (change,) = changes.newest(busy.platform.context, institution_id="bank-1")
    assert (change["content"]["limit_fen"], change["status"]) == (250_000_000_001, "APPROVED")
    assert busy.platform.context.store.get(change_pk(change["change_id"]), "state") is not None


def test_a_section_that_the_key_may_not_read_says_which_scope_it_lacks(busy):
    script = """
    const page = pageOf(await enter("sample-institution"), "sample-institution");
    const problem = await incidents(page).catch((error) => error);
    tell([problem.status, problem.forbidden, show.problem(problem).textContent]);
    """
    status, is_forbidden, text = _does(busy, script)
    assert (status, is_forbidden) == (403, True)
    assert all(part in text for part in ("FORBIDDEN", "operations:read"))
