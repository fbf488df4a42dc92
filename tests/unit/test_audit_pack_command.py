"""The command that fetches a year's audit pack keeps what was signed, and nothing else."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from in_memory import Platform
from rongtong import operations_audit_pack
from rongtong.domain.audit_pack import pack
from rongtong.services.cosigning import log_key


class Api:
    """Answers what the platform says of a pack; remembers what was posted."""

    def __init__(self, found):
        self.found, self.posted = found, []

    def get(self, path):
        assert path == "/v1/operations/audit-packs/2026"
        return self.found

    def post(self, path, body, key):
        self.posted.append((path, body, key))
        return {"year": 2026, "what_next": "Run the job audit."}


@pytest.fixture
def archive():
    """A server that hands out one file."""

    class Handler(BaseHTTPRequestHandler):
        content = b""

        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(Handler.content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield SimpleNamespace(handler=Handler, url=f"http://127.0.0.1:{server.server_port}/pack.zip")
    server.shutdown()
    server.server_close()


@pytest.fixture
def signed(tmp_path):
    """A pack, and the policy of whoever trusts its log."""
    platform = Platform()
    (tmp_path / "policy").write_text(platform.trust.text())
    files = {"changes.json": b"{}"}
    return pack(2026, files, log_key(platform.context), platform.context.log_signer.sign)[0]


def options(tmp_path, **changed):
    parts = {"year": "2026", "out": tmp_path / "out.zip", "wish": False, "policy": tmp_path / "policy"}
    return SimpleNamespace(**{**parts, **changed})


def fetch(archive, content, sent, tmp_path, **changed):
    archive.handler.content = sent
    found = {"year": 2026, "url": archive.url, "sha256": hashlib.sha256(content).hexdigest(), "not_available": 3}
    return operations_audit_pack.run(Api({**found, **changed}), options(tmp_path))


def test_a_pack_that_is_what_was_signed_is_kept(archive, signed, tmp_path, capsys):
    assert fetch(archive, signed, signed, tmp_path) == 0
    assert (tmp_path / "out.zip").read_bytes() == signed
    assert "3 things are not in it" in capsys.readouterr().out


def test_another_file_is_refused_and_not_kept(archive, signed, tmp_path, capsys):
    assert fetch(archive, signed, signed[:-1], tmp_path) == 1
    assert not (tmp_path / "out.zip").exists()
    assert "SHA-256" in capsys.readouterr().err


def test_an_address_that_anybody_between_could_answer_is_not_asked(archive, signed, tmp_path):
    assert fetch(archive, signed, signed, tmp_path, url="http://archive.example/pack.zip") == 1


def test_without_a_policy_nothing_is_asked(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("RONGTONG_TRUST", raising=False)
    assert operations_audit_pack.run(Api(None), options(tmp_path, policy=None)) == 1
    assert "whom you trust" in capsys.readouterr().err


def test_a_wish_is_passed_on(tmp_path, capsys):
    api = Api(None)
    assert operations_audit_pack.run(api, options(tmp_path, wish=True)) == 0
    assert [path for path, _, _ in api.posted] == ["/v1/operations/audit-packs/2026"]
    assert "Run the job audit." in capsys.readouterr().out
