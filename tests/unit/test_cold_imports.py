"""What a function that starts does not read: only its structure is asked here, `make bench-handlers` takes the time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from paths import ROOT
from rongtong.late import late
from template_reading import TEMPLATE

_READ = """
import importlib.util, json, sys
import rongtong.entrypoints.door, rongtong.entrypoints.tasks
read = {"door": sorted(sys.modules)}
for app in sys.argv[1:]:
    spec = importlib.util.spec_from_file_location(f"app_of_{app}", f"functions/{app}/app.py")
    before = set(sys.modules)
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    read[app] = sorted(set(sys.modules) - before)
print(json.dumps(read))
"""
_LATE = ("pydantic", "pydantic_core", "argon2", "stdnum", "requests", "openpyxl", "aws_xray_sdk", "grpc")
_NEEDED_BY_ALL_REQUESTS = {"authorization": {"rongtong.services.access"}}
"""Use cases that a function reads at once."""


def _http_apps() -> list[str]:
    """Folders of the functions that serve the partner API's routes, and the authorizer's."""
    functions = [one["Properties"] for one in TEMPLATE.values() if one["Type"].endswith("::Function")]
    found = {one["CodeUri"] for one in functions if one["Handler"] in ("app.app", "app.authorize")}
    return sorted(folder.removeprefix("functions/") for folder in found - {"functions/sandbox"})


@pytest.fixture(scope="module")
def read() -> dict[str, set[str]]:
    return _modules_read({})


def _modules_read(settings: dict[str, str]) -> dict[str, set[str]]:
    """The modules that each app brings with it in a fresh process, after what all of them bring."""
    done = subprocess.run(
        [sys.executable, "-c", _READ, *_http_apps()],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "layers/core", **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    return {app: set(modules) for app, modules in json.loads(done.stdout).items()}


def _package(module: str) -> str:
    return module.partition(".")[0]


def test_no_function_of_the_api_reads_models_or_heavy_packages_before_a_request_needs_them(read):
    assert len(read) > 10
    brought = {app: {one for one in modules if _package(one) in _LATE} for app, modules in read.items()}
    assert {app: modules for app, modules in brought.items() if modules} == {}


def test_the_arithmetic_of_signatures_is_read_by_the_authorizer_alone(read):
    rare = {"cryptography", "http_message_signatures", "http_sf"}
    assert {app for app, modules in read.items() if rare & {_package(one) for one in modules}} == {"authorization"}


def test_no_function_of_the_api_reads_a_use_case_before_a_request_needs_it(read):
    brought = {
        app: {one for one in modules if one.startswith("rongtong.services.")} - _NEEDED_BY_ALL_REQUESTS.get(app, set())
        for app, modules in read.items()
        if app != "door"
    }
    assert {app: modules for app, modules in brought.items() if modules} == {}


def test_the_clients_that_every_request_needs_are_read_while_the_function_starts(read):
    assert {"botocore", "pynamodb", "chalice"} <= {_package(one) for one in read["door"]}


def test_a_function_that_is_started_before_anybody_asks_reads_all_that_its_routes_need():
    read = _modules_read({"AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency"})
    brought = set[str]().union(*read.values())
    assert {"pydantic", "rongtong.services.request_discount", "rongtong.services.confirmation"} <= brought


# ---- modules that come late

_PACKAGE = """
from threading import Event
from rongtong.late import late
READ, GATE = [], Event()
__getattr__ = late(__name__, {"sample"})
"""
_MODULE = """
import late_sample
late_sample.READ.append(1)
late_sample.GATE.wait(30)
VALUE = 7
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A package with a module ``sample``, which notes in ``READ`` that it is read, and is through once GATE is open."""
    folder = tmp_path / "late_sample"
    folder.mkdir()
    (folder / "__init__.py").write_text(_PACKAGE)
    (folder / "sample.py").write_text(
        "import late_sample\nlate_sample.READ.append(1)\nlate_sample.GATE.wait(30)\nVALUE = 7\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import late_sample  # type: ignore[import-not-found]

    yield late_sample
    for name in [name for name in sys.modules if _package(name) == "late_sample"]:
        del sys.modules[name]


def test_a_late_module_is_read_at_its_first_use_and_once(package):
    from late_sample import sample  # type: ignore[import-not-found]

    assert package.READ == []
    package.GATE.set()
    assert (sample.VALUE, sample.VALUE, package.READ) == (7, 7, [1])


def test_threads_that_use_a_late_module_first_at_once_all_see_it_whole(package):
    from late_sample import sample

    seen: list[int] = []
    threads = [threading.Thread(target=lambda: seen.append(sample.VALUE)) for _ in range(8)]
    for thread in threads:
        thread.start()
    package.GATE.set()
    for thread in threads:
        thread.join()
    assert (seen, package.READ) == ([7] * 8, [1])


def test_what_is_set_on_a_late_module_is_set_on_the_module_itself(package):
    from late_sample import sample

    package.GATE.set()
    sample.VALUE, sample.MORE = 8, 9
    import late_sample.sample as itself

    assert (itself.VALUE, itself.MORE) == (8, 9)
    assert vars(sample) is vars(itself)
    del sample.MORE
    assert not hasattr(itself, "MORE")


def test_a_name_that_is_no_late_module_is_unknown_as_ever():
    stand_in = late("rongtong.services", {"discounts"})
    with pytest.raises(AttributeError, match=r"'rongtong\.services' has no attribute 'nothing'"):
        stand_in("nothing")
