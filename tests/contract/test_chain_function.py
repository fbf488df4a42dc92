"""The chain behind its function: LambdaChain over HTTP against functions/chain, which meets a stand-in Fabric network.

What the port promises is one suite, also for the chain in memory with which everything else is tested.
"""

import importlib.util
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import unquote

import boto3
import pytest
import yaml
from moto import mock_aws

from chain_fakes import MemoryChain
from fabric_network import FabricNetwork
from paths import ROOT
from rongtong.adapters.chain_function import LambdaChain
from rongtong.adapters.fabric.outcomes import ChainKeyError, ChainProfileError, NotEndorsedError
from rongtong.services.ports import (
    ChainConflictError,
    ChainEntry,
    ChainReceipt,
    ChainRefusedError,
    ChainUnavailableError,
)

REGION = "us-east-1"
FUNCTION = f"arn:aws:lambda:{REGION}:123456789012:function:chain"
KEY, OTHER = "a" * 64, "b" * 64
NOTE = "rongtong.example/log\n1\n" + "A" * 43 + "=\n\n— rongtong.example/log AAAA\n"
ENTRY = ChainEntry(KEY, NOTE)


class LambdaService:
    """Lambda's Invoke over HTTP. ``answer`` takes an event; what it raises is told as Python's runtime tells it."""

    def __init__(self, answer):
        self.answer, self.invoked = answer, []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                content = self.rfile.read(int(self.headers["Content-Length"]))
                service.invoked.append(unquote(self.path.split("/")[3]))
                found = service.answer(json.loads(content))
                if found is None:
                    return
                status, headers, body = found
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def told(document, *, failed=False):
    headers = {"X-Amz-Function-Error": "Unhandled"} if failed else {}
    return 200, {"Content-Type": "application/json", **headers}, json.dumps(document).encode()


def ended(kind, message="as the function says"):
    return told({"errorType": kind, "errorMessage": message, "stackTrace": []}, failed=True)


def running(handler):
    """The function as Lambda runs it."""

    def answer(event):
        try:
            return told(handler(event, None))
        except Exception as error:
            return ended(type(error).__name__, str(error))

    return answer


@pytest.fixture
def aws(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with mock_aws():
        yield


@pytest.fixture
def handler():
    """The function's handler, as its template names it."""
    spec = importlib.util.spec_from_file_location("app_of_chain", ROOT / "functions" / "chain" / "app.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.chain


def secret(name, text):
    return boto3.client("secretsmanager").create_secret(Name=name, SecretString=text)["ARN"]


@pytest.fixture
def deployed(aws, handler, monkeypatch):
    """The function beside a network whose profile is a secret and names the member's key and certificate as secrets."""
    with FabricNetwork() as network:
        profile = network.described()
        user = profile["organizations"]["Org1"]["users"]["User1"]
        for part in ("cert", "key"):
            user[part] = {"secret": secret(part, user[part]["pem"])}
        monkeypatch.setenv("CHAIN_PROFILE_SECRET", secret("profile", yaml.safe_dump(profile)))
        service = LambdaService(running(handler))
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", service.url)
        yield SimpleNamespace(chain=LambdaChain(FUNCTION), network=network, service=service, user=user)
        service.close()


@pytest.fixture(params=["in memory", "function"])
def chain(request):
    return MemoryChain() if request.param == "in memory" else request.getfixturevalue("deployed").chain


@pytest.fixture
def answering(aws, monkeypatch):
    """A chain whose function answers what it is told to, and its service."""
    services = []

    def made(answer, **timeouts):
        service = LambdaService(answer)
        services.append(service)
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", service.url)
        return LambdaChain(FUNCTION, **timeouts), service

    yield made
    for service in services:
        service.close()


# What the port promises.


def test_what_is_appended_is_read_back_byte_for_byte(chain):
    chain.append([ENTRY])
    assert chain.get(KEY) == NOTE


def test_a_key_that_was_not_put_has_no_value(chain):
    assert chain.get(KEY) is None


def test_there_is_one_receipt_for_each_entry_in_their_order(chain):
    receipts = chain.append([ChainEntry(OTHER, "leaf"), ENTRY])
    assert [(receipt.key, receipt.code) for receipt in receipts] == [(OTHER, "VALID"), (KEY, "VALID")]


def test_no_entries_have_no_receipts(chain):
    assert chain.append([]) == []


def test_a_repeat_gives_the_same_receipt(chain):
    assert chain.append([ENTRY]) == chain.append([ENTRY])


def test_another_value_under_a_key_is_a_conflict_and_changes_nothing(chain):
    chain.append([ENTRY])
    with pytest.raises(ChainConflictError):
        chain.append([ChainEntry(KEY, "another")])
    assert chain.get(KEY) == NOTE


def test_two_values_for_a_key_in_one_append_are_a_conflict_and_none_is_put(chain):
    with pytest.raises(ChainConflictError):
        chain.append([ENTRY, ChainEntry(KEY, "another")])
    assert chain.get(KEY) is None


def test_one_entry_that_is_refused_does_not_keep_the_others_from_being_recorded(chain):
    chain.append([ENTRY])
    with pytest.raises(ChainConflictError):
        chain.append([ChainEntry(KEY, "another"), ChainEntry(OTHER, "leaf")])
    assert chain.get(OTHER) == "leaf"


@pytest.mark.parametrize("key", ["a" * 63, "A" * 64])
def test_what_is_no_key_is_refused(chain, key):
    with pytest.raises(ChainKeyError):
        chain.append([ChainEntry(key, NOTE)])


# The function with its network.


def test_a_receipt_names_the_transaction_where_it_stands(deployed):
    (receipt,) = deployed.chain.append([ENTRY])
    deployed.network.settle()
    assert receipt == ChainReceipt(KEY, receipt.transaction_id, 1, "VALID")
    assert deployed.network.peers[0].ledger.transactions[receipt.transaction_id] == (1, 0)


def test_two_that_put_the_same_checkpoint_at_once_have_one_transaction_count(deployed):
    receipts = []
    both = [threading.Thread(target=lambda: receipts.extend(deployed.chain.append([ENTRY]))) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(set(receipts)) == 1
    assert deployed.network.codes().count("VALID") == 1


def test_a_network_whose_orderers_are_down_is_unavailable_and_takes_the_entry_when_they_are_back(deployed):
    for orderer in deployed.network.orderers:
        orderer.stop()
    with pytest.raises(ChainUnavailableError):
        deployed.chain.append([ENTRY])
    for orderer in deployed.network.orderers:
        orderer.start()
    assert deployed.chain.append([ENTRY])[0].code == "VALID"


def test_peers_that_would_write_otherwise_are_a_refusal_that_names_them(deployed):
    deployed.network.peers[1].lies = True
    with pytest.raises(ChainRefusedError, match=deployed.network.peers[1].name):
        deployed.chain.append([ENTRY])


def test_a_renewed_certificate_counts_from_the_next_call_on(deployed):
    organisation = deployed.network.organisations[0]
    organisation.revoked.add(deployed.network.users[organisation.msp_id].certificate.serial_number)
    with pytest.raises(ChainRefusedError):
        deployed.chain.append([ENTRY])
    renewed = organisation.members.issue(f"User1@{organisation.domain}")
    secrets = boto3.client("secretsmanager")
    secrets.put_secret_value(SecretId=deployed.user["cert"]["secret"], SecretString=renewed.certificate_pem.decode())
    secrets.put_secret_value(SecretId=deployed.user["key"]["secret"], SecretString=renewed.key_pem.decode())
    assert deployed.chain.append([ENTRY])[0].code == "VALID"


def test_a_profile_that_cannot_be_read_is_named_as_that(deployed, monkeypatch):
    monkeypatch.setenv("CHAIN_PROFILE_SECRET", "no-such-secret")
    with pytest.raises(ChainProfileError, match="no-such-secret"):
        deployed.chain.append([ENTRY])


def test_how_many_organisations_must_endorse_can_be_chosen(deployed, monkeypatch):
    deployed.network.peers[1].stop()
    assert deployed.chain.append([ENTRY])[0].code == "VALID"
    monkeypatch.setenv("CHAIN_ENDORSEMENTS", "3")
    with pytest.raises(ChainUnavailableError, match="2 of 3 organisations"):
        deployed.chain.append([ChainEntry(OTHER, "leaf")])


def test_the_gateway_flow_can_be_chosen(deployed, monkeypatch):
    monkeypatch.setenv("CHAIN_FLOW", "gateway")
    assert deployed.chain.append([ENTRY])[0].code == "VALID"


# LambdaChain and what may become of an invocation.


def test_the_function_is_invoked_by_its_name(deployed):
    deployed.chain.get(KEY)
    assert deployed.service.invoked == [FUNCTION]


@pytest.mark.parametrize(
    "kind", [ChainUnavailableError, ChainRefusedError, ChainConflictError, NotEndorsedError, ChainProfileError]
)
def test_an_error_of_the_function_is_raised_again_by_its_name_with_its_text(answering, kind):
    chain, _ = answering(lambda event: ended(kind.__name__))
    with pytest.raises(kind, match="as the function says") as raised:
        chain.append([ENTRY])
    assert type(raised.value) is kind


@pytest.mark.parametrize("kind", ["Sandbox.Timedout", "Runtime.OutOfMemory", "KeyError", "SystemExit", ""])
def test_any_other_end_of_the_function_leaves_open_what_became_of_the_entry(answering, kind):
    chain, _ = answering(lambda event: ended(kind))
    with pytest.raises(ChainUnavailableError):
        chain.append([ENTRY])


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, "TooManyRequestsException"), (500, "ServiceException"), (403, "AccessDeniedException")],
)
def test_a_refusal_of_lambda_is_unavailable_and_is_not_repeated_at_once(answering, status, kind):
    chain, service = answering(lambda event: (status, {"x-amzn-ErrorType": kind}, b'{"Message": "no"}'))
    with pytest.raises(ChainUnavailableError, match=kind):
        chain.append([ENTRY])
    assert len(service.invoked) == 1


def test_an_answer_that_does_not_come_is_given_up_in_time_and_not_repeated(answering):
    release = threading.Event()
    chain, service = answering(lambda event: release.wait(30) and None, read_s=0.2)
    with pytest.raises(ChainUnavailableError):
        chain.append([ENTRY])
    release.set()
    assert len(service.invoked) == 1


def test_a_connection_that_is_closed_without_an_answer_is_unavailable(answering):
    chain, _ = answering(lambda event: None)
    with pytest.raises(ChainUnavailableError):
        chain.append([ENTRY])


RECEIPT = {"key": KEY, "transaction_id": "t", "block": 1, "code": "VALID"}


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        None,
        "text",
        {"receipts": []},
        {"receipts": None},
        {"receipts": [RECEIPT, RECEIPT]},
        {"receipts": [{**RECEIPT, "key": OTHER}]},
        {"receipts": [{**RECEIPT, "block": "one"}]},
        {"receipts": [{"key": KEY}]},
    ],
    ids=str,
)
def test_an_answer_without_exactly_the_entries_receipts_is_none(answering, answer):
    chain, _ = answering(lambda event: told(answer))
    with pytest.raises(ChainUnavailableError):
        chain.append([ENTRY])


@pytest.mark.parametrize("answer", [{}, {"value": 1}, {"receipts": []}], ids=str)
def test_an_answer_without_a_value_is_none(answering, answer):
    chain, _ = answering(lambda event: told(answer))
    with pytest.raises(ChainUnavailableError):
        chain.get(KEY)


def test_an_answer_that_is_no_json_is_none(answering):
    chain, _ = answering(lambda event: (200, {}, b"<html>"))
    with pytest.raises(ChainUnavailableError):
        chain.append([ENTRY])
