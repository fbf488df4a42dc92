"""The quick start as written in the docs, against the platform's own code in memory and the sandbox."""

import pytest
import requests
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

import quickstart
from access_fakes import ed25519
from api_server import running_api
from rongtong_client import Client, ProblemError

KEY = ed25519()
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture(scope="module")
def api():
    with running_api(KEY) as found:
        yield found


def test_it_has_ten_lines():
    assert len([line for line in quickstart.code().splitlines() if line]) == 10


def test_it_runs_as_written_from_a_key_to_a_paid_discount(api, tmp_path):
    (tmp_path / "partner-a.pem").write_text(PEM)
    printed = quickstart.run(tmp_path, base_url=api.base_url, sandbox_url=api.sandbox_url, keys=str(tmp_path))
    paid_fen = requests.get(f"{api.sandbox_url}/statement", timeout=10).json()["total_fen"]
    assert printed == f"DISBURSED {paid_fen / 100} yuan\n"


def test_the_platform_tells_the_client_what_is_wrong_with_a_request(api):
    with pytest.raises(ProblemError) as raised:
        Client(api.base_url, "partner-a#1", PEM).request_discount({"enterprise_id": "ent_1"})
    assert (raised.value.status, raised.value.code, raised.value.field) == (422, "INVALID_BODY", "institution_id")


def test_the_client_reads_the_platform_s_own_pages(api):
    client = Client(api.base_url, "partner-a#1", PEM)
    assert len(list(client.list_enterprises(fields=["status"]))) == len(
        {one["enterprise_id"] for one in client.list_enterprises()}
    )
