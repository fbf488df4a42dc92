"""What a witness answers, by the letter of C2SP tlog-witness."""

from base64 import b64encode
from dataclasses import dataclass, replace

import pytest

from rongtong.domain.checkpoint import Checkpoint
from rongtong.domain.merkle import consistency_proof, leaf_hash, root
from rongtong.domain.note import Note, Signature, VerifierKey
from rongtong.domain.witness import (
    Accepted,
    Reason,
    Seen,
    WitnessRequest,
    WitnessRequestError,
    judge,
    request_body,
    size_told,
)
from witness_fakes import SeedSigner

ORIGIN = "log.example/deals"
SIGNER = SeedSigner("the log's key")
KEY = VerifierKey(ORIGIN, SIGNER.public_key())
HASHES = [leaf_hash(f"leaf {number}".encode()) for number in range(300)]
EXAMPLE = """\
old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
"""  # noqa: E501


@dataclass
class Shown:
    """A request of the log that has ``HASHES``; every part may be replaced."""

    size: int
    old: int = 0
    hashes: list[bytes] | None = None
    proof: list[bytes] | None = None
    signer: SeedSigner = SIGNER
    key: VerifierKey = KEY
    root: bytes | None = None

    def note(self) -> Note:
        hashes = (self.hashes or HASHES)[: self.size]
        text = Checkpoint(self.key.name, self.size, self.root or root(hashes)).text()
        return Note(text, (Signature(self.key.name, self.key.identity, self.signer.sign(text.encode())),))

    def request(self) -> WitnessRequest:
        proof = self.proof
        if proof is None:
            proof = proof_of(self.old, self.size) if 0 < self.old <= self.size else []
        return WitnessRequest.parse(request_body(self.old, proof, self.note().content()).encode())


def proof_of(old, size):
    return consistency_proof(old, size, lambda height, index: root(HASHES[index << height : index + 1 << height]))


def seen(size):
    return Seen(size, root(HASHES[:size]))


def refusal(shown, last, keys=(KEY,)):
    found = judge(shown.request(), last, keys)
    assert not isinstance(found, Accepted)
    return found


def test_the_example_of_the_specification_is_read():
    request = WitnessRequest.parse(EXAMPLE.encode())
    assert (request.old_size, len(request.proof), request.checkpoint.size) == (20852014, 4, 20852163)
    assert len(request.note.signatures) == 2


def test_a_request_is_written_as_the_specification_shows_it():
    request = WitnessRequest.parse(EXAMPLE.encode())
    assert request_body(request.old_size, request.proof, request.note.content()) == EXAMPLE


@pytest.mark.parametrize(
    "broken",
    [
        "",
        EXAMPLE.replace("old ", "new "),
        EXAMPLE.replace("old 20852014", "old 020852014"),
        EXAMPLE.replace("old 20852014", "old -1"),
        EXAMPLE.replace("old 20852014", "old  20852014"),
        EXAMPLE.replace("old 20852014\n", "old 20852014 \n"),
        EXAMPLE.replace("old 20852014\n", "old 20852014\r\n"),
        EXAMPLE.replace("old 20852014\n", ""),
        EXAMPLE.replace("pkaw=\n", "pkaw\n"),
        EXAMPLE.replace("pkaw=\n", "pkax=\n"),
        EXAMPLE.replace("pkaw=\n", "pkaw= \n"),
        EXAMPLE.replace("PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=", b64encode(b"x" * 31).decode()),
        EXAMPLE.replace("j/0=\n\n", "j/0=\n"),
        EXAMPLE.replace("\n20852163\n", "\n020852163\n"),
        EXAMPLE.replace("jxq2I=\n\n", "jxq2I=\n"),
        EXAMPLE.removesuffix("\n"),
        EXAMPLE.partition("— ")[0],
        EXAMPLE + "\n",
    ],
)
def test_a_malformed_body_is_refused(broken):
    assert broken != EXAMPLE
    with pytest.raises(WitnessRequestError):
        WitnessRequest.parse(broken.encode())


def test_a_body_that_is_not_utf_8_is_refused():
    with pytest.raises(WitnessRequestError, match="UTF-8"):
        WitnessRequest.parse(EXAMPLE.encode().replace(b"sofa", b"so\xff\xfe"))


def test_a_body_that_is_larger_than_any_request_is_not_read():
    with pytest.raises(WitnessRequestError, match="at most"):
        WitnessRequest.parse(b"old 0\n\n" + b"a" * 70_000)


@pytest.mark.parametrize("lines", [63, 64])
def test_sixty_three_lines_of_proof_are_taken_and_no_more(lines):
    body = request_body(1, [bytes(32)] * lines, Shown(2).note().content()).encode()
    if lines > 63:
        with pytest.raises(WitnessRequestError, match="63"):
            WitnessRequest.parse(body)
    else:
        assert len(WitnessRequest.parse(body).proof) == 63


def test_the_first_checkpoint_of_a_known_log_is_accepted():
    assert isinstance(judge(Shown(7).request(), None, [KEY]), Accepted)


@pytest.mark.parametrize(
    ("old", "size"), [(1, 2), (7, 7), (7, 8), (8, 11), (64, 129), (255, 256), (256, 257), (1, 300)]
)
def test_a_checkpoint_that_extends_the_last_is_accepted(old, size):
    assert isinstance(judge(Shown(size, old).request(), seen(old), [KEY]), Accepted)


def test_the_log_s_signature_that_verified_is_handed_on():
    other = SeedSigner("somebody")
    note = Shown(7).note()
    foreign = Signature("somebody.example", b"abcd", other.sign(b"x"))
    request = WitnessRequest.parse(
        request_body(0, [], replace(note, signatures=(foreign, *note.signatures)).content()).encode()
    )
    found = judge(request, None, [KEY])
    assert isinstance(found, Accepted)
    assert found.signature == note.signatures[0]


def test_a_log_that_is_not_known_is_answered_404():
    found = refusal(Shown(7), None, [VerifierKey("another.example/log", SIGNER.public_key())])
    assert (found.status, found.reason) == (404, Reason.UNKNOWN_LOG)


def test_a_known_log_s_name_under_another_key_is_answered_403():
    stranger = SeedSigner("a stranger")
    found = refusal(Shown(7, signer=stranger, key=VerifierKey(ORIGIN, stranger.public_key())), None)
    assert (found.status, found.reason) == (403, Reason.NOT_SIGNED)


def test_a_wrong_signature_in_the_known_key_s_name_is_answered_403():
    found = refusal(Shown(7, signer=SeedSigner("a stranger")), None)
    assert (found.status, found.reason) == (403, Reason.NOT_SIGNED)


def test_any_of_a_log_s_keys_will_do():
    other = SeedSigner("the log's next key")
    keys = [KEY, VerifierKey(ORIGIN, other.public_key())]
    assert isinstance(judge(Shown(7, signer=other, key=keys[1]).request(), None, keys), Accepted)


def test_an_old_size_beyond_the_checkpoint_is_answered_400():
    found = refusal(Shown(7, old=8), None)
    assert (found.status, found.reason) == (400, Reason.OLD_SIZE_TOO_LARGE)


@pytest.mark.parametrize("old", [0, 5, 12])
def test_another_old_size_than_the_last_cosigned_is_answered_409_with_that_size(old):
    found = refusal(Shown(20, old=old), seen(7))
    assert (found.status, found.body, found.content_type) == (409, "7\n", "text/x.tlog.size")
    assert not found.reason.is_evidence


def test_a_size_that_no_witness_saw_is_answered_409_with_zero():
    assert refusal(Shown(20, old=7), None).body == "0\n"


def test_two_trees_of_one_size_are_answered_409_and_both_roots_are_named():
    found = refusal(Shown(7, old=7, proof=[], root=b"\1" * 32), seen(7))
    assert (found.status, found.body, found.reason) == (409, "7\n", Reason.FORKED)
    assert seen(7).root.hex() in found.place
    assert (b"\1" * 32).hex() in found.place


def test_two_trees_of_one_size_are_seen_whatever_old_size_is_claimed():
    assert refusal(Shown(7, old=3, root=b"\1" * 32), seen(7)).reason is Reason.FORKED


@pytest.mark.parametrize("old", [0, 3])
def test_a_log_that_shrank_is_answered_409_and_both_sizes_are_named(old):
    found = refusal(Shown(5, old=old), seen(7))
    assert (found.status, found.body, found.reason) == (409, "7\n", Reason.SHRUNKEN)
    assert "7 leaves" in found.place
    assert "5 are shown" in found.place


def test_a_log_that_says_itself_that_it_shrank_is_answered_400_and_remembered():
    found = refusal(Shown(5, old=7), seen(7))
    assert (found.status, found.reason) == (400, Reason.SHRUNKEN)


def test_a_forked_log_is_answered_422():
    fork = [*HASHES[:6], leaf_hash(b"another"), *HASHES[7:]]
    found = refusal(Shown(20, old=7, hashes=fork), seen(7))
    assert (found.status, found.reason) == (422, Reason.INCONSISTENT)
    assert "20 leaves" in found.place
    assert "of 7" in found.place


@pytest.mark.parametrize("at", range(len(proof_of(7, 20))))
def test_a_proof_with_one_wrong_hash_is_answered_422(at):
    proof = proof_of(7, 20)
    proof[at] = bytes(32)
    assert refusal(Shown(20, old=7, proof=proof), seen(7)).status == 422


@pytest.mark.parametrize(("old", "last"), [(0, None), (7, seen(7))])
def test_a_proof_where_there_is_nothing_to_prove_is_answered_422_and_is_no_evidence(old, last):
    found = refusal(Shown(7, old=old, proof=[bytes(32)]), last)
    assert (found.status, found.reason.is_evidence) == (422, False)


def test_of_all_reasons_two_trees_of_one_size_alone_are_proof():
    assert [reason for reason in Reason if reason.is_proof] == [Reason.FORKED]
    assert {reason for reason in Reason if reason.is_evidence} > {Reason.FORKED}


def test_the_empty_tree_has_one_root_only():
    assert isinstance(judge(Shown(0).request(), None, [KEY]), Accepted)
    assert refusal(Shown(0, root=b"\1" * 32), None).status == 409


def test_every_byte_of_a_request_counts():
    body = request_body(7, proof_of(7, 20), Shown(20).note().content()).encode()
    assert isinstance(judge(WitnessRequest.parse(body), seen(7), [KEY]), Accepted)
    taken = []
    for at in range(len(body)):
        altered = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        try:
            if isinstance(judge(WitnessRequest.parse(altered), seen(7), [KEY]), Accepted):
                taken.append(at)
        except WitnessRequestError:
            pass
    assert taken == []


@pytest.mark.parametrize(
    ("body", "size"), [("0\n", 0), ("42\n", 42), ("42", None), ("042\n", None), ("-1\n", None), ("", None)]
)
def test_the_size_that_a_conflict_tells_is_read_in_its_only_form(body, size):
    assert size_told(body) == size
