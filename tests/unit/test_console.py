"""The console's files as they are served: nothing but their own script and style, to everybody, and no right behind."""

import inspect
import re

import pytest
import yaml

from access_fakes import load_app
from api_calls import call
from paths import ROOT
from rongtong.domain.access import ROLES, Role
from rongtong.domain.incident import WHAT_NEXT, Desk, IncidentKind
from rongtong.domain.jobs import PLANS
from rongtong.domain.measures import UNITS
from rongtong.entrypoints import bootstrap
from rongtong.entrypoints.routes import ROUTES
from rongtong.services.executions import _what_next
from template_reading import TEMPLATE, TemplateLoader

FOLDER = ROOT / "functions" / "console" / "page"
FILES = sorted(path.name for path in FOLDER.iterdir())
SCRIPTS = [name for name in FILES if name.endswith(".js")]
TEXTS = {name: (FOLDER / name).read_text(encoding="utf-8") for name in FILES}
PAGE = TEXTS["index.html"]
MAY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


@pytest.fixture
def app(monkeypatch):
    """The function's app, with no collaborators: it needs none."""
    monkeypatch.setattr(bootstrap, "context", object)
    return load_app("console").app


def _file(app, name):
    if name == "index.html":
        return call(app, "GET", "/console")
    return call(app, "GET", "/console/{file}", file=name)


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_served_as_it_lies_with_strict_headers(app, name):
    got = _file(app, name)
    assert (got.status, got.text) == (200, TEXTS[name])
    headers = {header.lower(): value for header, value in got.headers.items()}
    kind = {"html": "text/html", "css": "text/css", "js": "text/javascript"}[name.rpartition(".")[2]]
    assert headers["content-type"] == f"{kind}; charset=utf-8"
    assert headers["content-security-policy"] == MAY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cache-control"] == "no-cache"
    assert "max-age=63072000" in headers["strict-transport-security"]


@pytest.mark.parametrize("name", ["index.html", "app.py", "../app.py", "..", "words", "APP.JS", ""])
def test_no_other_file_is_served(app, name):
    got = call(app, "GET", "/console/{file}", file=name)
    assert (got.status, got.body["code"], got.body["field"]) == (404, "NOT_FOUND", "file")


def test_the_function_may_do_nothing_but_log():
    assert TEMPLATE["ConsoleFunction"]["Properties"]["Policies"] == []


def test_the_page_loads_its_own_script_and_style_and_has_none_inline():
    assert re.findall(r'(?:src|href)="([^"#][^"]*)"', PAGE) == ["console/style.css", "console/app.js"]
    assert re.findall(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=|<form|https?:", PAGE) == []


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_reads_nothing_as_html_and_keeps_nothing(name):
    reading = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|\beval\(|Function\("
    )
    keeping = r"localStorage|sessionStorage|indexedDB|document\.cookie|caches\.|serviceWorker"
    reaching = r"https?://|XMLHttpRequest|WebSocket|sendBeacon|EventSource|import\("
    assert re.findall(f"{reading}|{keeping}|{reaching}", TEXTS[name]) == []


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_imports_what_is_served_with_it(name):
    imported = re.findall(r'from "([^"]+)"', TEXTS[name])
    assert {one for one in imported if one.removeprefix("./") not in SCRIPTS or not one.startswith("./")} == set()


def test_requests_leave_the_page_in_one_place():
    assert [name for name in SCRIPTS if re.search(r"\bfetch\(", TEXTS[name])] == ["api.js"]


def _asked():
    """Every (method, path) that the scripts ask for, with their parameters as one sign."""
    for name in SCRIPTS:
        for text in re.findall(r"""["`](/v1/[^"`]+)["`]""", TEXTS[name]):
            yield re.sub(r"\$\{[^}]+\}", "{}", text)


def test_what_the_page_asks_for_are_routes_of_the_roles_that_it_is_for():
    routes = {re.sub(r"\{\w+\}", "{}", route.path): route for route in ROUTES}
    mine = ROLES[Role.OPERATIONS] | ROLES[Role.INSTITUTION]
    asked = set(_asked())
    assert {path for path in asked if path not in routes} == set()
    assert {path for path in asked if routes[path].scope not in mine} == set()
    assert len(asked) > 20


def test_it_knows_every_kind_of_incident_and_every_desk():
    assert re.findall(r'"([A-Z_]+)"', re.search(r"KINDS = \[(.*?)\]", TEXTS["cases.js"], re.DOTALL)[1]) == list(
        IncidentKind
    )
    assert re.findall(r'"([a-z_]+)"', re.search(r"DESKS = \[(.*?)\]", TEXTS["cases.js"])[1]) == list(Desk)


def test_a_measure_rings_in_the_page_from_where_its_alarm_rings():
    text = (ROOT / "infrastructure" / "observability.yaml").read_text(encoding="utf-8")
    template = yaml.load(text, TemplateLoader)
    alarms = [one["Properties"] for one in template["Resources"].values() if "Alarm" in one["Type"]]

    def default(value):
        return template["Parameters"][value["!Ref"]]["Default"] if isinstance(value, dict) else value

    watched = {
        alarm["MetricName"]: (alarm["ComparisonOperator"], default(alarm["Threshold"]))
        for alarm in alarms
        if alarm["MetricName"] in UNITS and UNITS[alarm["MetricName"]] != "Milliseconds"
    }
    # What functions note themselves is no measure of the watch.
    for noted in ("PaidWithin3min", "BankUnanswered", "RegistryUnanswered", "RequestsRefused", "PagesRefused"):
        del watched[noted]
    names = r"(\w+): (\d+)"
    from_there = re.findall(names, re.search(r"ALARMS = \{(.*?)\}", TEXTS["overview.js"], re.DOTALL)[1])
    below = re.findall(names, re.search(r"ALARMS_BELOW = \{(.*?)\}", TEXTS["overview.js"])[1])
    assert watched == {
        **{name: ("GreaterThanOrEqualToThreshold", int(value)) for name, value in from_there},
        **{name: ("LessThanThreshold", int(value)) for name, value in below},
    }


def test_everything_is_said_in_both_languages():
    for name, constant in (("words.js", "WORDS"), ("names.js", "NAMES")):
        table = re.search(rf"const {constant} = \{{\n(.*?)\n\}};", TEXTS[name], re.DOTALL)[1]
        entries = re.findall(r"^  (\w+): \[\s*\"[^\"]+\",\s*\"[^\"]+\",?\s*\],$", table, re.MULTILINE)
        named = re.findall(r"^  (\w+): \[", table, re.MULTILINE)
        assert (entries, sorted(set(named))) == (named, sorted(named))


def test_what_the_api_says_to_do_next_is_known_in_chinese():
    known = set(re.findall(r'^  "([^"]+)":', TEXTS["sentences.js"], re.MULTILINE))
    executions = set(re.findall(r'return "(.+)"', inspect.getsource(_what_next)))
    assert len(executions) == 5
    assert known == {*WHAT_NEXT.values(), *executions, *(plan.purpose for plan in PLANS.values())}


def test_every_word_that_a_script_says_is_there():
    words = set(re.findall(r"^  (\w+): \[", TEXTS["words.js"], re.MULTILINE))
    said = {word for name in SCRIPTS for word in re.findall(r'say\("(\w+)"', TEXTS[name])}
    assert said - words == set()
    assert len(said) > 80
