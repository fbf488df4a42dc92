"""Webhooks leave over real sockets, and nothing that a receiver or its name server does makes them go elsewhere."""

import socket
import threading
import time
from contextlib import ExitStack

import pytest

from rongtong.adapters.webhook_sender import HttpsWebhookSender
from rongtong.domain.webhook_url import WebhookUrlError
from rongtong.services.webhook_ports import AttemptError, WebhookAnswer
from webhook_receiver import answering, certified, dripping, hanging, receiving

HOST = "hooks.example.com"
HEADERS = {"webhook-id": "dsc_x-0004", "Content-Type": "application/cloudevents+json"}


@pytest.fixture
def local():
    """A sender that may reach receivers on this machine, and is soon tired of them."""
    return HttpsWebhookSender(local=True, connect_s=0.5, total_s=0.5)


def _send(sender, receiver, path="/hook?a=1", scheme="http"):
    return sender.send(f"{scheme}://127.0.0.1:{receiver.port}{path}", HEADERS, b'{"a":1}')


def _redirected(monkeypatch, port):
    """Let connections to the public address that the test resolves end at a receiver on this machine."""
    connected = []

    def connect(address, timeout):
        connected.append(address)
        return real(("127.0.0.1", port), timeout=timeout)

    real = socket.create_connection
    monkeypatch.setattr(socket, "create_connection", connect)
    return connected


def test_a_webhook_is_one_post_with_its_headers_and_bytes(local):
    with receiving(answering(204)) as receiver:
        assert _send(local, receiver) == WebhookAnswer(204)
    head, _, body = receiver.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert (lines[0], body) == ("POST /hook?a=1 HTTP/1.1", b'{"a":1}')
    assert {"webhook-id: dsc_x-0004", f"Host: 127.0.0.1:{receiver.port}", "Connection: close"} <= set(lines)


@pytest.mark.parametrize("status", [200, 202, 299])
def test_any_2xx_is_taken(local, status):
    with receiving(answering(status)) as receiver:
        assert _send(local, receiver).delivered


@pytest.mark.parametrize("status", [304, 400, 404, 410, 429, 500, 503])
def test_any_other_status_is_a_failure_with_the_beginning_of_what_was_said(local, status):
    with receiving(answering(status, "不行\n\x00".encode() + b"x" * 1000)) as receiver:
        found = _send(local, receiver)
    assert (found.delivered, found.status, found.error) == (False, status, None)
    assert found.excerpt.startswith("" if status == 304 else "不行  xxx")
    assert len(found.excerpt) <= 256


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_a_failure_and_is_not_followed(local, status):
    with receiving(answering(200)) as inside:
        where = f"Location: http://127.0.0.1:{inside.port}/latest/meta-data/\r\n"
        with receiving(answering(status, headers=where)) as receiver:
            assert _send(local, receiver).status == status
        assert inside.connections == 0


def test_a_receiver_may_say_when_to_come_again(local):
    with receiving(answering(503, headers="Retry-After: 120\r\n")) as receiver:
        assert _send(local, receiver).retry_after_s == 120


@pytest.mark.parametrize("text", ["soon", "-1", "Wed, 21 Oct 2026 07:28:00 GMT", "9" * 40, "²"])
def test_what_is_no_number_of_seconds_is_not_read(local, text):
    with receiving(
        lambda c, r: c.sendall(f"HTTP/1.1 503 No\r\nRetry-After: {text}\r\n\r\n".encode("latin-1", "replace"))
    ) as receiver:
        assert _send(local, receiver).retry_after_s is None


def _slow(behave, local):
    began = time.monotonic()
    with receiving(behave) as receiver:
        found = _send(local, receiver)
    return found, time.monotonic() - began


@pytest.mark.parametrize(
    "behave",
    [
        hanging,
        dripping(b""),
        dripping(b"HTTP/1.1 200 OK\r\nX: "),
        dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"),
        dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1"),
    ],
    ids=["hangs", "drips its status line", "drips a header", "drips its body", "drips a chunk"],
)
def test_a_receiver_that_takes_its_time_is_cut_off(local, behave):
    found, took_s = _slow(behave, local)
    assert found == WebhookAnswer(error=AttemptError.TIMED_OUT)
    assert took_s < 2.5


def test_a_handshake_that_drips_is_cut_off():
    sender = HttpsWebhookSender(local=True, connect_s=0.5, total_s=0.5)
    listener = socket.create_server(("127.0.0.1", 0))

    def drip():
        connection, _ = listener.accept()
        with connection:
            # The beginning of a TLS record of 16 KiB, byte by byte.
            connection.sendall(b"\x16\x03\x03\x40\x00\x02")
            for _ in range(200):
                try:
                    connection.sendall(b"\x00")
                except OSError:
                    return
                time.sleep(0.02)

    threading.Thread(target=drip, daemon=True).start()
    began = time.monotonic()
    found = sender.send(f"https://127.0.0.1:{listener.getsockname()[1]}/", HEADERS, b"{}")
    listener.close()
    assert found == WebhookAnswer(error=AttemptError.TIMED_OUT)
    assert time.monotonic() - began < 2.5


def test_no_more_is_read_than_64_kib(local):
    sent = []

    def pours(connection, _):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        while True:
            sent.append(connection.send(b"x" * 65536))

    with receiving(pours) as receiver:
        assert _send(local, receiver).delivered
    assert sum(sent) < 20_000_000  # what the sockets' buffers hold


@pytest.mark.parametrize(
    "said", [b"", b"hello\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 500]
)
def test_what_is_no_http_answer_is_a_failure(local, said):
    with receiving(lambda connection, _: connection.sendall(said)) as receiver:
        assert _send(local, receiver) == WebhookAnswer(error=AttemptError.NOT_HTTP)


def test_a_receiver_that_is_gone_is_a_failure(local):
    with receiving(answering(200)) as receiver:
        pass
    assert _send(local, receiver) == WebhookAnswer(error=AttemptError.NOT_CONNECTED)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.7", "169.254.169.254", "::1", "fd00:ec2::254", "::ffff:10.0.0.1"]
)
def test_a_name_that_leads_inside_is_not_connected_to(monkeypatch, address):
    connected = _redirected(monkeypatch, 1)
    sender = HttpsWebhookSender(resolve=lambda host, port: [address])
    assert sender.send(f"https://{HOST}/", HEADERS, b"{}") == WebhookAnswer(error=AttemptError.ADDRESS_FORBIDDEN)
    assert connected == []


def test_one_inner_address_among_public_ones_is_enough_to_refuse(monkeypatch):
    connected = _redirected(monkeypatch, 1)
    sender = HttpsWebhookSender(resolve=lambda host, port: ["8.8.8.8", "10.0.0.7"])
    assert sender.send(f"https://{HOST}/", HEADERS, b"{}").error is AttemptError.ADDRESS_FORBIDDEN
    assert connected == []


def test_the_name_is_resolved_once_and_the_connection_goes_to_the_address_that_was_judged(monkeypatch):
    answers = iter([["8.8.8.8"], ["127.0.0.1"]])
    with ExitStack() as stack:
        shown, trusting = stack.enter_context(certified(HOST))
        receiver = stack.enter_context(receiving(answering(200), shown))
        connected = _redirected(monkeypatch, receiver.port)
        sender = HttpsWebhookSender(resolve=lambda host, port: next(answers), tls=lambda: trusting)
        assert sender.send(f"https://{HOST}/hook", HEADERS, b"{}") == WebhookAnswer(200)
        # The name server says another address the second time: that one is judged anew, and not connected to.
        assert sender.send(f"https://{HOST}/hook", HEADERS, b"{}").error is AttemptError.ADDRESS_FORBIDDEN
    assert connected == [("8.8.8.8", 443)]
    assert receiver.connections == 1
    assert f"Host: {HOST}\r\n".encode() in receiver.requests[0]


@pytest.mark.parametrize("names", [("other.example.com",), ("127.0.0.1",), ("8.8.8.8",)])
def test_a_certificate_for_another_name_is_refused_and_nothing_is_sent(monkeypatch, names):
    with certified(*names) as (shown, trusting), receiving(answering(200), shown) as receiver:
        _redirected(monkeypatch, receiver.port)
        sender = HttpsWebhookSender(resolve=lambda host, port: ["8.8.8.8"], tls=lambda: trusting)
        assert sender.send(f"https://{HOST}/", HEADERS, b"{}") == WebhookAnswer(error=AttemptError.TLS_FAILED)
    assert receiver.requests == []


def test_a_certificate_that_nobody_vouches_for_is_refused(monkeypatch):
    with certified(HOST) as (shown, _), receiving(answering(200), shown) as receiver:
        _redirected(monkeypatch, receiver.port)
        sender = HttpsWebhookSender(resolve=lambda host, port: ["8.8.8.8"])
        assert sender.send(f"https://{HOST}/", HEADERS, b"{}") == WebhookAnswer(error=AttemptError.TLS_FAILED)
    assert receiver.requests == []


def test_a_second_address_is_tried_where_the_first_does_not_answer(monkeypatch):
    with certified(HOST) as (shown, trusting), receiving(answering(200), shown) as receiver:
        real, tried = socket.create_connection, []

        def connect(address, timeout):
            tried.append(address[0])
            if address[0] == "8.8.8.8":
                raise ConnectionRefusedError
            return real(("127.0.0.1", receiver.port), timeout=timeout)

        monkeypatch.setattr(socket, "create_connection", connect)
        sender = HttpsWebhookSender(resolve=lambda host, port: ["8.8.8.8", "1.1.1.1"], tls=lambda: trusting)
        assert sender.send(f"https://{HOST}/", HEADERS, b"{}").delivered
    assert tried == ["8.8.8.8", "1.1.1.1"]


def _unknown(host, port):
    raise socket.gaierror(-2, "Name or service not known")


def test_a_name_that_is_unknown_is_a_failure_and_no_reason_to_refuse_an_endpoint():
    sender = HttpsWebhookSender(resolve=_unknown)
    assert sender.send(f"https://{HOST}/", HEADERS, b"{}") == WebhookAnswer(error=AttemptError.NAME_UNKNOWN)
    sender.check(f"https://{HOST}/")


def test_a_name_server_that_does_not_answer_is_not_waited_for():
    done = threading.Event()
    sender = HttpsWebhookSender(connect_s=0.1, resolve=lambda host, port: done.wait(10) and [])
    assert sender.send(f"https://{HOST}/", HEADERS, b"{}") == WebhookAnswer(error=AttemptError.TIMED_OUT)
    done.set()


@pytest.mark.parametrize("url", ["http://hooks.example.com/", "https://127.0.0.1/", "https://hooks.example.com:22/"])
def test_a_url_that_is_refused_at_registration_is_refused_at_every_attempt(url):
    sender = HttpsWebhookSender(resolve=lambda host, port: ["8.8.8.8"])
    assert sender.send(url, HEADERS, b"{}") == WebhookAnswer(error=AttemptError.URL_FORBIDDEN)
    with pytest.raises(WebhookUrlError):
        sender.check(url)


def test_an_endpoint_whose_name_leads_inside_is_refused_at_registration():
    with pytest.raises(WebhookUrlError) as refused:
        HttpsWebhookSender(resolve=lambda host, port: ["169.254.169.254"]).check(f"https://{HOST}/")
    assert refused.value.code == "WEBHOOK_ADDRESS"
