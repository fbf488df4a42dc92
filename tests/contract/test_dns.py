"""Asking the DNS, against a server of our own on the loopback interface."""

import socket
import struct
import threading
from contextlib import contextmanager

import pytest

from rongtong.adapters import dns
from rongtong.adapters.dns import UdpNames

NS_RECORD = b"\xc0\x0c" + struct.pack("!2HIH", 2, 1, 60, 6) + b"\x03ns1\xc0\x0c"


def read_name(packet):
    """The name that a question asks for, and its type."""
    at, labels = 12, []
    while packet[at]:
        labels.append(packet[at + 1 : at + 1 + packet[at]].decode())
        at += 1 + packet[at]
    return ".".join(labels), struct.unpack_from("!H", packet, at + 1)[0], packet[12 : at + 5]


def reply(packet, code=0, records=(), flags=0, question=None):
    """An answer to the question, as RFC 1035 section 4.1 has it."""
    question = read_name(packet)[2] if question is None else question
    return packet[:2] + struct.pack("!5H", 0x8180 | flags | code, 1, len(records), 0, 0) + question + b"".join(records)


@contextmanager
def server(answer):
    """A UDP server that sends whatever ``answer(packet)`` yields; where it listens, and what it was asked."""
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    line.bind(("127.0.0.1", 0))
    asked = []

    def serve():
        while True:
            packet, sender = line.recvfrom(4096)
            if packet == b"stop":
                return
            asked.append(read_name(packet)[:2])
            for content in answer(packet):
                line.sendto(content, sender)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield line.getsockname(), asked
    finally:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stopping:
            stopping.sendto(b"stop", line.getsockname())
        thread.join()
        line.close()


def zone(registered):
    """Answers as a resolver does that knows these names."""

    def answer(packet):
        name = read_name(packet)[0]
        yield reply(packet, 0, [NS_RECORD]) if name in registered else reply(packet, 3)

    return answer


def asked_of(answer, names, **settings):
    with server(answer) as (where, asked):
        return UdpNames([where], timeout_s=settings.pop("timeout_s", 0.3), **settings).registered(names), asked


def test_a_name_with_name_servers_is_registered_and_one_that_does_not_exist_is_not():
    names = ["paybi1l.com", "xn--pybill-3nf.com", "free.com"]
    found, asked = asked_of(zone(set(names[:2])), names)
    assert found == {"paybi1l.com": True, "xn--pybill-3nf.com": True, "free.com": False}
    assert sorted(asked) == sorted((name, 2) for name in names)


def test_many_names_are_asked_for_at_once_each_with_a_question_of_its_own():
    names = [f"name{number}.com" for number in range(100)]
    found, _ = asked_of(zone(set(names[::2])), names, timeout_s=5)
    assert found == {name: number % 2 == 0 for number, name in enumerate(names)}


def test_a_name_that_exists_without_name_servers_of_its_own_is_not_registered_as_such():
    assert asked_of(lambda packet: [reply(packet, 0)], ["host.example.com"])[0] == {"host.example.com": False}


def test_an_answer_that_was_cut_off_has_something_in_it():
    assert asked_of(lambda packet: [reply(packet, 0, flags=0x0200)], ["a.com"])[0] == {"a.com": True}


@pytest.mark.parametrize("code", [1, 2, 5])
def test_a_server_that_fails_or_refuses_has_not_answered(code):
    found, asked = asked_of(lambda packet: [reply(packet, code)], ["a.com"])
    assert (found, len(asked)) == ({}, 2)


def test_silence_ends_after_the_tries():
    found, asked = asked_of(lambda packet: [], ["a.com", "b.com"], timeout_s=0.05, tries=3)
    assert (found, len(asked)) == ({}, 6)


def test_only_what_nobody_answered_for_is_asked_again():
    seen = []

    def answer(packet):
        name = read_name(packet)[0]
        seen.append(name)
        return [] if name == "slow.com" and seen.count(name) == 1 else [reply(packet, 3)]

    assert asked_of(answer, ["slow.com", "quick.com"])[0] == {"slow.com": False, "quick.com": False}
    assert sorted(seen) == ["quick.com", "slow.com", "slow.com"]


def test_answers_with_another_number_or_another_question_are_not_taken():
    def answer(packet):
        other = struct.pack("!H", struct.unpack("!H", packet[:2])[0] ^ 1) + packet[2:]
        asks_for_more = read_name(packet)[2].replace(b"\x01a", b"\x01b")
        return [reply(other, 0, [NS_RECORD]), reply(packet, 0, [NS_RECORD], question=asks_for_more), packet, b"", b"\0"]

    assert asked_of(answer, ["a.com"], timeout_s=0.1)[0] == {}


def test_where_nobody_listens_nobody_answers():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        where = free.getsockname()
    assert UdpNames([where], timeout_s=0.2).registered(["a.com"]) == {}


def test_the_second_server_is_asked_for_what_the_first_one_left():
    with server(lambda packet: []) as (silent, _), server(zone({"a.com"})) as (answers, asked):
        assert UdpNames([silent, answers], timeout_s=0.1).registered(["a.com"]) == {"a.com": True}
        assert asked == [("a.com", 2)]


def test_the_systems_resolvers_are_those_of_its_file(tmp_path, monkeypatch):
    (tmp_path / "resolv.conf").write_text(
        "# of a test\nnameserver 192.0.2.1\nsearch x\nnameserver 2001:db8::1\nnameserver\n"
    )
    monkeypatch.setattr(dns, "_SYSTEM", tmp_path / "resolv.conf")
    assert dns._system_servers() == (("192.0.2.1", 53), ("2001:db8::1", 53))
    monkeypatch.setattr(dns, "_SYSTEM", tmp_path / "none")
    assert UdpNames().registered(["a.com"]) == {}
