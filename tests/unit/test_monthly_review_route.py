"""The monthly review from outside: its state machine's steps, and the route that shows a month's report."""

import json
from datetime import UTC, datetime

import pytest

import access_fakes
from api_calls import call
from driven_jobs import drive
from in_memory import Platform
from paths import ROOT
from rongtong.domain.jobs import Job
from rongtong.entrypoints import bootstrap
from rongtong.entrypoints.answers_review import MonthlyReview
from rongtong.services.monthly_review import STEPS, read

ROUTE = "/v1/operations/monthly-reviews/{period}"


@pytest.fixture
def platform(monkeypatch):
    made = Platform()
    made.context.clock.instant = datetime(2026, 5, 6, 2, tzinfo=UTC)
    monkeypatch.setattr(bootstrap, "context", lambda: made.context)
    return made


def ask(period="2026-04", role="operations", query=None):
    return call(access_fakes.load_app("operations").app, "GET", ROUTE, role=role, period=period, query=query)


def test_operations_read_the_page_as_it_is_archived(platform):
    drive(platform.context, Job.MONTHLY_REVIEW, STEPS)
    answer = ask()
    assert (answer.status, answer.text.encode()) == (200, read(platform.context, "2026-04"))
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'"


def test_programs_read_the_same_report_as_it_is_archived(platform):
    drive(platform.context, Job.MONTHLY_REVIEW, STEPS)
    answer = ask(query={"format": "json"})
    assert (answer.status, answer.text.encode()) == (200, read(platform.context, "2026-04", "json"))
    assert answer.headers["Content-Type"] == "application/json"
    assert MonthlyReview.model_validate_json(answer.text, strict=True).month == "2026-04"


def test_another_form_is_refused(platform):
    drive(platform.context, Job.MONTHLY_REVIEW, STEPS)
    assert (ask(query={"format": "xml"}).status, ask(query={"format": "xml"}).body["field"]) == (422, "format")


@pytest.mark.parametrize("period", ["2026-04", "2026-4", "../2026-04", "2026-04-01"])
def test_a_month_without_report_is_told(platform, period):
    answer = ask(period)
    assert (answer.status, answer.body["code"], answer.body["field"]) == (404, "NOT_FOUND", "period")


def test_partners_do_not_read_it(platform):
    drive(platform.context, Job.MONTHLY_REVIEW, STEPS)
    assert ask(role="partner").status == 403


def test_the_state_machine_goes_through_the_stages_in_their_order_and_back_while_there_is_more():
    machine = json.loads((ROOT / "statemachines" / "monthly_review.asl.json").read_text(encoding="utf-8"))
    states, done, at = machine["States"], [], machine["States"]["Begin"]["Next"]
    at = states[at]["Default"]
    while at != "Finish":
        choice = states[states[at]["Next"]]
        assert choice["Choices"] == [{"Condition": "{% $states.input.more %}", "Next": at}]
        done.append(states[at]["Arguments"]["Payload"]["do"])
        at = choice["Default"]
    assert done == list(STEPS.stages)
