"""Builds a release from a tag and says what it is made of; the same tag built twice has the same digest.

    python infrastructure/local/release.py build TAG FOLDER     # nothing of the working tree goes into it
    python infrastructure/local/release.py check FOLDER         # 1 where a file is another than when it was built

Two persons who build one tag, each on a machine of their own with the same Python and LAYER_PIP_FLAGS, compare digests:
so nobody deploys what nobody has read. ``FOLDER/release.json`` has the SHA-256 of every file, and no times.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from paths import EMULATOR_PYTHON, ROOT, SAM

_MANIFEST = "release.json"
_SOURCE, _BUILT = "source", "built"
_PARTS = ("source/template.yaml", "source/functions", "source/statemachines", "source/infrastructure", "built")
"""What is deployed: `sam build` copies the layers alone, and names the rest where it lies."""
_NOT_DEPLOYED = ("source/infrastructure/local/", "built/template.yaml")
"""Local tools, and the template in which `sam build` writes where the folder is."""


class ReleaseError(Exception):
    """The release cannot be built or is not what it was; the text says why."""


def build(tag: str, folder: Path) -> dict[str, Any]:
    """Build a tag into a folder that is empty or not there; what it is made of. Raises ReleaseError."""
    if folder.exists() and any(folder.iterdir()):
        raise ReleaseError(f"{folder} is not empty; name another folder.")
    commit = _git("rev-parse", "--verify", "--end-of-options", f"refs/tags/{tag}^{{commit}}").decode().strip()
    with tarfile.open(fileobj=BytesIO(_git("archive", commit))) as archive:
        archive.extractall(folder / _SOURCE, filter="data")
    _sam(folder)
    files = measured(folder)
    release: dict[str, Any] = {
        "tag": tag,
        "commit": commit,
        "python": _python_version(),
        "pip_flags": os.environ.get("LAYER_PIP_FLAGS", ""),
        "digest": digest_of(files),
        "files": files,
    }
    (folder / _MANIFEST).write_text(json.dumps(release, indent=1) + "\n", encoding="utf-8")
    return release


def check(folder: Path) -> list[str]:
    """Files that are others than when the release was built, new, or gone. Raises ReleaseError."""
    try:
        told: dict[str, Any] = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ReleaseError(f"{folder} has no {_MANIFEST}: {error}") from error
    then: Mapping[str, str] = told["files"]
    now = measured(folder)
    return sorted(name for name in {*then, *now} if then.get(name) != now.get(name))


def measured(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file that is deployed, by its path within the folder."""
    found: dict[str, str] = {}
    for part in _PARTS:
        root = folder / part
        for path in [root] if root.is_file() else sorted(root.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and not name.startswith(_NOT_DEPLOYED):
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return dict(sorted(found.items()))


def digest_of(files: Mapping[str, str]) -> str:
    """One SHA-256 of all names and hashes, as ``sha256sum`` would print them."""
    lines = "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(files.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    if done.returncode != 0:
        raise ReleaseError(f"git {arguments[0]}: {done.stderr.decode().strip()}")
    return done.stdout


def _sam(folder: Path) -> None:
    """`sam build`, without its cache: what was built before has no part in it."""
    settings = {"SAM_CLI_TELEMETRY": "0", "LAYER_PYTHON": _python(), "AWS_DEFAULT_REGION": "eu-west-1"}
    done = subprocess.run(
        [
            *(str(SAM), "build", "--no-cached"),
            *("--template", str(folder.resolve() / _SOURCE / "template.yaml")),
            *("--build-dir", str(folder.resolve() / _BUILT)),
        ],
        cwd=folder / _SOURCE,
        env={**os.environ, **settings},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ReleaseError(f"sam build failed: {done.stderr[-2000:]}")


def _python() -> str:
    return os.environ.get("LAYER_PYTHON", str(EMULATOR_PYTHON))


def _python_version() -> str:
    done = subprocess.run([_python(), "--version"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when it was built, or is what was built."""
    parser = argparse.ArgumentParser(description="A release: built from a tag, or compared with what was built.")
    commands = parser.add_subparsers(dest="command", required=True)
    building = commands.add_parser("build", help="build a tag")
    building.add_argument("tag")
    building.add_argument("folder", type=Path)
    checking = commands.add_parser("check", help="compare a folder with what was built into it")
    checking.add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    try:
        if options.command == "build":
            release = build(options.tag, options.folder)
            print(f"{release['tag']} at {release['commit']}, {len(release['files'])} files, {release['python']}")
            print(f"digest {release['digest']}")
            return 0
        others = check(options.folder)
    except ReleaseError as error:
        print(error, file=sys.stderr)
        return 1
    for name in others:
        print(f"another, new or gone: {name}")
    print(f"{len(others)} files are not as they were built." if others else "Every file is as it was built.")
    return 1 if others else 0


if __name__ == "__main__":
    sys.exit(main())
