"""Whatever is asked for, by whomever: what is personal leaves masked (finding XYSJ-001)."""

import json

import pytest

from access_fakes import load_app
from api_calls import call
from credential_fakes import make_credentials
from in_memory import PARTNER, Platform, read_json, sample_bills
from paths import ROOT
from rongtong.domain.access import ROLES, Role
from rongtong.domain.incident import IncidentKind
from rongtong.entrypoints import bootstrap
from rongtong.entrypoints.routes import ROUTES, parameters_of
from rongtong.services import changes, incidents, operators, suspension

OPERATOR, MOBILE, LISTED = "样本午未", "13900139966", "350000000000007777"
READ = [route for route in ROUTES if route.method == "GET" and route.scope is not None]
ELSEWHERE = {
    "/v1/bill-imports/template": "a form without anybody's data",
    "/v1/operations/audit-packs/{year}": "the address of a file; tests/unit/services/test_audit_packs.py",
    "/v1/operations/monthly-reviews/{period}": "a page; tests/unit/services/test_monthly_review.py",
    "/v1/operations/jobs/{job}/runs/{period}": "what a run has counted",
    "/v1/operations/watch": "measures",
    "/v1/operations/reconciliations/{day}": "references and amounts",
    "/v1/operations/dead-letters": "names of schedules and errors",
    "/v1/complaints/{complaint_id}": "what the complainant wrote; tests/unit/services/test_complaints.py",
    "/v1/operations/complaints/{complaint_id}": "the same",
    "/v1/bills/{bill_id}": "tests/unit/test_bill_routes.py",
    "/v1/bill-imports/{bill_import_id}": "the same",
    "/v1/webhook-endpoints/{endpoint_id}": "the partner's own address",
    "/v1/webhook-endpoints/{endpoint_id}/deliveries": "tests/unit/services/test_webhooks.py",
    "/v1/institution/changes/{proposal_id}": "rates and limits",
}
"""Routes that are not asked here, and why."""
ASKED = [route for route in READ if route.path not in ELSEWHERE]


@pytest.fixture(scope="module")
def world():
    """A platform at work: bills at every end, operators, a list, incidents, suspensions; with what its routes need."""
    platform = Platform((PARTNER, "operations"))
    platform.outcomes(sample_bills())
    context, credentials = platform.context, make_credentials()
    enterprise_id = next(iter(platform.ids.values()))
    command = operators.RegisterOperator(OPERATOR, MOBILE, "2026-01", ("confirm",))
    operators.register(context, credentials, platform.enterprise(enterprise_id), command)
    entry = {"list": "black", "subject_kind": "account", "value": LISTED, "reason": "COURT_NOTICE"}
    dates = {"effective_from": "2026-04-15", "effective_until": None}
    change = changes.propose(context, "operations", "k", "list_entry", {**entry, **dates})
    incidents.open_once(context, IncidentKind.STUCK, "dsc_1", "dsc_1", {})
    suspension.suspend(context, "operations", "k", suspension.SuspensionScope.ENTERPRISE, enterprise_id, "DRILL")
    states = context.store.states("discount#")
    ends = {item.body["status"]: item.body["discount_id"] for item in states}
    paid = platform.discount(ends["DISBURSED"]).body
    named = {
        "institution_id": paid["institution_id"],
        "enterprise_id": enterprise_id,
        "discount_id": ends["DISBURSED"],
        "quote_id": context.store.states("quote#")[0].body["quote_id"],
        "change_id": change["change_id"],
        "day": "2026-04-15",
        "job": "audit",
        "duty": "ddos_drill",
    }
    return platform, named, ends["IN_REVIEW"]


@pytest.fixture(scope="module")
def answered(world):
    """Every asked route's answer to every role that may ask, as text."""
    platform, named, doubtful = world
    apps = _apps()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bootstrap, "context", lambda: platform.context)
        return {
            (route.path, role.value): _ask(apps[route.path], route.path, role, named, doubtful)
            for route in ASKED
            for role in Role
            if route.scope in ROLES[role]
        }


def _ask(app, path, role, named, doubtful):
    parameters = {**named, **({"discount_id": doubtful} if "reviews" in path else {})}
    query = {
        "/v1/operations/executions": {"status": "stuck", "since": "30m"},
        "/v1/operations/accesses": {"discount_id": named["discount_id"]},
        "/v1/events": {"since": "2026-01-01T00:00:00Z"},
        "/v1/supervision/figures": {"day": "2026-04-15"},
    }.get(path)
    caller = {"institution": named["institution_id"], "partner": "institution-1"} if role is Role.INSTITUTION else {}
    wanted = {name: parameters[name] for name in parameters_of(path)}
    return call(app, "GET", path, query=query, role=role.value, **caller, **wanted)


def _apps():
    """The function that serves each path."""
    unserved = ("authorization", "chain", "sandbox", "witness")
    folders = [path.parent.name for path in sorted(ROOT.glob("functions/*/app.py"))]
    apps = [load_app(folder).app for folder in folders if folder not in unserved]
    return {path: app for app in apps for path, methods in app.routes.items() if "GET" in methods}


def test_every_route_that_is_asked_answers(answered):
    refused = {asked: (one.status, one.text[:200]) for asked, one in answered.items() if one.status != 200}
    assert refused == {}
    assert {path for path, _ in answered} | set(ELSEWHERE) == {route.path for route in READ}


def test_no_answer_holds_a_name_a_mobile_or_an_account_in_full(answered):
    personal = {OPERATOR, MOBILE, LISTED}
    for enterprise in read_json("enterprises.json"):
        personal |= {enterprise["legal_representative"], enterprise["mobile"], enterprise["account"]["account_number"]}
    spelt = {one: {one, json.dumps(one)[1:-1]} for one in personal}
    found = {(asked, one) for asked, answer in answered.items() for one in personal if _has(answer.text, spelt[one])}
    assert found == set()


def _has(text, spellings):
    return any(one in text for one in spellings)


def test_what_is_masked_is_shown_so(answered, world):
    _, named, _ = world
    (operator,) = answered["/v1/enterprises/{enterprise_id}/operators", "partner"].body["operators"]
    assert (operator["name"], operator["mobile"]) == ("***未", "139****9966")
    enterprise = answered["/v1/enterprises/{enterprise_id}", "partner"].body
    assert enterprise["enterprise_id"] == named["enterprise_id"]
    assert enterprise["mobile"].startswith("138****")
    change = answered["/v1/operations/changes/{change_id}", "operations"].body
    assert change["content"]["value"] == "**************7777"
