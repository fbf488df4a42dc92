"""A release is built from its tag and nothing else, and one byte more or less is told."""

import json
import os
import subprocess

import pytest

import release
from release import ReleaseError, build, check, digest_of, main

SAM = """#!/bin/sh
while [ "$#" -gt 0 ]; do [ "$1" = --build-dir ] && built="$2"; shift; done
mkdir -p "$built/CoreLayer" && cp functions/app.py "$built/CoreLayer/app.pyc" && pwd > "$built/template.yaml"
"""
FILES = {
    "template.yaml": "Resources: {}\n",
    "functions/app.py": "release = 1\n",
    "statemachines/a.asl.json": "{}\n",
    "infrastructure/edge.yaml": "Resources: {}\n",
    "infrastructure/local/tool.py": "pass\n",
    "README.md": "read me\n",
}


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository with a tag, and a stand-in for sam that copies what it is to build."""
    root = tmp_path / "checkout"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    who = ["-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "init.defaultBranch=main"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"], ["tag", "v1"]):
        subprocess.run(["git", *who, *words], cwd=root, check=True)
    sam = tmp_path / "sam"
    sam.write_text(SAM)
    sam.chmod(0o755)
    monkeypatch.setattr(release, "ROOT", root)
    monkeypatch.setattr(release, "SAM", sam)
    monkeypatch.setenv("LAYER_PYTHON", os.sys.executable)
    return root


def test_a_release_holds_what_is_deployed_and_no_tools(checkout, tmp_path):
    made = build("v1", tmp_path / "out")
    assert set(made["files"]) == {
        "source/template.yaml",
        "source/functions/app.py",
        "source/statemachines/a.asl.json",
        "source/infrastructure/edge.yaml",
        "built/CoreLayer/app.pyc",
    }
    assert made["digest"] == digest_of(made["files"])


def test_what_is_changed_behind_the_tag_is_no_part_of_it(checkout, tmp_path):
    first = build("v1", tmp_path / "one")
    (checkout / "functions" / "app.py").write_text("release = 2\n")
    (checkout / "functions" / "more.py").write_text("pass\n")
    assert build("v1", tmp_path / "two" / "deeper")["digest"] == first["digest"]


def test_another_tag_has_another_digest(checkout, tmp_path):
    first = build("v1", tmp_path / "one")
    (checkout / "functions" / "app.py").write_text("release = 2\n")
    who = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
    for words in (["commit", "-qam", "more"], ["tag", "v2"]):
        subprocess.run(["git", *who, *words], cwd=checkout, check=True)
    assert build("v2", tmp_path / "two")["digest"] != first["digest"]


def test_a_file_that_is_another_new_or_gone_is_named(checkout, tmp_path, capsys):
    out = tmp_path / "out"
    build("v1", out)
    assert main(["check", str(out)]) == 0
    (out / "built" / "CoreLayer" / "app.pyc").write_text("release = 3\n")
    (out / "source" / "functions" / "new.py").write_text("pass\n")
    (out / "source" / "statemachines" / "a.asl.json").unlink()
    assert check(out) == ["built/CoreLayer/app.pyc", "source/functions/new.py", "source/statemachines/a.asl.json"]
    assert main(["check", str(out)]) == 1
    assert "3 files are not as they were built." in capsys.readouterr().out


@pytest.mark.parametrize("tag", ["v9", "main", "--help", "v1 v1"])
def test_what_is_no_tag_is_not_built(checkout, tmp_path, tag):
    with pytest.raises(ReleaseError):
        build(tag, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_with_something_in_it_is_left_alone(checkout, tmp_path):
    with pytest.raises(ReleaseError, match="not empty"):
        build("v1", tmp_path)


def test_a_build_that_fails_is_told_and_no_release(checkout, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(release, "SAM", "/bin/false")
    assert main(["build", "v1", str(tmp_path / "out")]) == 1
    assert "sam build failed" in capsys.readouterr().err
    assert not (tmp_path / "out" / "release.json").exists()


def test_the_manifest_says_with_what_it_was_built(checkout, tmp_path, monkeypatch):
    monkeypatch.setenv("LAYER_PIP_FLAGS", "--platform manylinux_2_28_x86_64")
    build("v1", tmp_path / "out")
    told = json.loads((tmp_path / "out" / "release.json").read_text())
    assert (told["tag"], told["pip_flags"]) == ("v1", "--platform manylinux_2_28_x86_64")
    assert told["python"].startswith("Python 3.")
