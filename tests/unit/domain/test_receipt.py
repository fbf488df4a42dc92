"""What a receipt is refused for: every rule of its form, of its events and of its end, with code and words."""

import hashlib
import json

import pytest

from rongtong.domain.checkpoint import Cosignature
from rongtong.domain.note import Note
from rongtong.domain.receipt import (
    Proved,
    ReceiptError,
    build_receipt,
    chain_key,
    event_leaf,
    receipt_bytes,
    verify_receipt,
)
from rongtong.domain.trust import TrustPolicy
from witnessed_log import (
    KINDS,
    LOG,
    POLICY,
    POLICY_TEXT,
    TIME,
    WITNESSES,
    SampleLog,
    cosigned,
    sample_entries,
    sample_receipt,
)

NO_RECEIPT = "The file is not a receipt."
OTHER_FORMAT = "The file is not a receipt of the format rongtong-receipt/2."
ONE_FORM = "The file is not in the receipt's only byte form; use it as received."


def _refusal(content, policy=POLICY):
    with pytest.raises(ReceiptError) as refused:
        verify_receipt(content, policy)
    return refused.value.code, str(refused.value)


@pytest.mark.parametrize("last", ["DiscountPaid", "DiscountRefused", "DiscountFailed"])
def test_a_whole_receipt_proves_its_events_under_the_log_and_who_cosigned_when(last):
    kinds = (*KINDS[:2], last)
    proved = verify_receipt(receipt_bytes(sample_receipt(kinds)), POLICY)
    expected = Proved("dsc_1", kinds, LOG.key.name, 4, proved.cosignatures)
    assert proved == expected
    assert [(one.witness, one.time) for one in proved.cosignatures] == [(one.key, TIME) for one in WITNESSES]
    assert all(isinstance(one, Cosignature) for one in proved.cosignatures)


def test_a_receipt_may_have_one_event():
    content = receipt_bytes(sample_receipt(("DiscountRefused",), before=0))
    assert verify_receipt(content, POLICY).events == ("DiscountRefused",)


def test_events_in_many_tiles_are_proved():
    content = receipt_bytes(sample_receipt(KINDS, before=511))
    assert verify_receipt(content, POLICY).tree_size == 514


def test_what_is_still_said_after_the_end_belongs_to_the_receipt():
    kinds = ("DiscountPaid", "BillEndorsed", "PaymentReturned", "ExecutionReplayed")
    assert verify_receipt(receipt_bytes(sample_receipt(kinds)), POLICY).events == kinds


def test_a_later_checkpoint_that_covers_all_events_serves_as_well():
    receipt = sample_receipt(("DiscountPaid",), before=0)
    entry = receipt["entries"][0]
    log = SampleLog([event_leaf(bytes.fromhex(entry["salt_hex"]), entry["event"]), *sample_entries(9)])
    later = build_receipt("dsc_1", [{**entry, "proof": log.proof(0)}], log.note())
    assert verify_receipt(receipt_bytes(later), POLICY).tree_size == 10


def test_two_of_three_witnesses_are_enough_and_one_is_not():
    log = SampleLog([event_leaf(bytes(16), event := {"discount_id": "d", "n": 1, "type": "DiscountPaid"})])
    entry = {"event": event, "salt_hex": "00" * 16, "index": 0, "proof": []}
    two, one = (receipt_bytes(build_receipt("d", [entry], log.note(WITNESSES[:count]))) for count in (2, 1))
    assert len(verify_receipt(two, POLICY).cosignatures) == 2
    told = "The checkpoint has 1 cosignatures, which are no quorum of witnesses."
    assert _refusal(one) == ("RECEIPT_CHECKPOINT", told)


def test_who_caused_an_event_is_covered_with_it():
    event = {"discount_id": "d", "n": 1, "type": "DiscountPaid", "by": {"key_id": "k", "signature_sha256": "0" * 64}}
    log = SampleLog([event_leaf(bytes(16), event)])
    entry = {"event": event, "salt_hex": "00" * 16, "index": 0, "proof": []}
    assert verify_receipt(receipt_bytes(build_receipt("d", [entry], log.note())), POLICY).events == ("DiscountPaid",)
    event["by"]["key_id"] = "l"
    assert _refusal(receipt_bytes(build_receipt("d", [entry], log.note())))[0] == "RECEIPT_PROOF"


def test_every_changed_byte_of_a_receipt_is_refused():
    content = receipt_bytes(sample_receipt(KINDS[1:], chained=True))
    assert verify_receipt(content, POLICY)
    for at in range(len(content)):
        for changed in {*(content[at] ^ 1 << bit for bit in range(8)), ord("7"), ord("z")} - {content[at]}:
            with pytest.raises(ReceiptError):
                verify_receipt(content[:at] + bytes([changed]) + content[at + 1 :], POLICY)


def test_a_receipt_with_a_byte_too_many_or_too_few_is_refused():
    content = receipt_bytes(sample_receipt())
    for at in range(len(content)):
        with pytest.raises(ReceiptError):
            verify_receipt(content[:at] + content[at + 1 :], POLICY)
        with pytest.raises(ReceiptError):
            verify_receipt(content[:at] + b" " + content[at:], POLICY)


def test_a_receipt_names_the_key_under_which_a_chain_holds_its_checkpoint():
    receipt = sample_receipt(chained=True)
    text = Note.parse(receipt["checkpoint"]).text
    assert verify_receipt(receipt_bytes(receipt), POLICY).chain_key == hashlib.sha256(text.encode()).hexdigest()
    assert verify_receipt(receipt_bytes(sample_receipt()), POLICY).chain_key is None


def test_cosignatures_that_come_later_do_not_change_the_key_on_the_chain():
    text = SampleLog(sample_entries(3)).head().text()
    assert len({chain_key(cosigned(text, WITNESSES[:count])) for count in range(4)}) == 1


def test_of_the_chain_only_kind_and_key_go_into_a_receipt():
    note = SampleLog(sample_entries(1)).note()
    chain = {"kind": "fabric", "channel": "c", "key": "0" * 64, "transaction_id": "t", "block": 7, "code": "VALID"}
    assert build_receipt("d", [], note, chain)["chain"] == {"kind": "fabric", "key": "0" * 64}


def test_another_checkpoints_key_on_the_chain_is_refused():
    receipt = sample_receipt(chained=True)
    receipt["chain"]["key"] = chain_key(SampleLog(sample_entries(1)).note())
    told = "The key on the chain is not that of this checkpoint."
    assert _refusal(receipt_bytes(receipt)) == ("RECEIPT_CHAIN", told)


@pytest.mark.parametrize(
    "chain",
    [
        "fabric",
        [],
        {},
        {"kind": "fabric"},
        {"kind": "fabric", "key": "0" * 63},
        {"kind": "fabric", "key": 0},
        {"kind": "embedded", "key": "0" * 64},
        {"kind": "fabric", "key": "0" * 64, "block": 1},
    ],
)
def test_a_chain_of_another_shape_is_refused(chain):
    assert _refusal(receipt_bytes({**sample_receipt(), "chain": chain})) == ("RECEIPT_FORMAT", OTHER_FORMAT)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no JSON",
        b"\xff",
        b"[" * 100_000,
        b'{"amount":1.5}\n',
        b'{"a":9007199254740992}\n',
        b'"\\ud800"\n',
        b"1" * 5_000,
    ],
)
def test_what_is_no_canonical_json_is_no_receipt(content):
    assert _refusal(content) == ("RECEIPT_FORMAT", NO_RECEIPT)


@pytest.mark.parametrize(
    "made",
    [
        lambda receipt: json.dumps(receipt).encode(),
        lambda receipt: receipt_bytes(receipt)[:-1],
        lambda receipt: receipt_bytes(receipt) + b"\n",
        lambda receipt: b"\xef\xbb\xbf" + receipt_bytes(receipt),
        lambda receipt: receipt_bytes(receipt).decode().encode("utf-16"),
        lambda receipt: receipt_bytes(receipt).replace(b"\n", b"\r\n"),
        lambda receipt: receipt_bytes(receipt).replace(b'{"chain"', b'{"chain":null,"chain"', 1),
        lambda receipt: receipt_bytes(receipt).replace(b'"index":1', b'"index":1e0', 1).replace(b"1e0", b"-0"),
    ],
)
def test_another_byte_form_of_the_same_receipt_is_refused(made):
    assert _refusal(made(sample_receipt())) == ("RECEIPT_FORMAT", ONE_FORM)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "rongtong-receipt/1"},
        {"checkpoint": 1},
        {"discount_id": 1},
        {"entries": []},
        {"entries": {}},
        {"entries": "entries"},
        {"more": 1},
    ],
)
def test_a_receipt_of_another_shape_is_refused(changes):
    assert _refusal(receipt_bytes({**sample_receipt(), **changes})) == ("RECEIPT_FORMAT", OTHER_FORMAT)


@pytest.mark.parametrize("value", [[], "receipt", 1, None])
def test_a_receipt_is_an_object(value):
    assert _refusal(receipt_bytes(value)) == ("RECEIPT_FORMAT", OTHER_FORMAT)


@pytest.mark.parametrize("key", ["format", "discount_id", "entries", "checkpoint", "chain"])
def test_every_member_of_a_receipt_is_needed(key):
    receipt = sample_receipt()
    del receipt[key]
    assert _refusal(receipt_bytes(receipt)) == ("RECEIPT_FORMAT", OTHER_FORMAT)


@pytest.mark.parametrize(
    "changes",
    [
        {"event": "DiscountPaid"},
        {"salt_hex": 0},
        {"salt_hex": "0" * 31},
        {"salt_hex": "0" * 33},
        {"salt_hex": "G" * 32},
        {"index": True},
        {"index": "0"},
        {"proof": "0" * 64},
        {"proof": [0]},
        {"proof": ["0" * 63]},
        {"proof": ["0" * 64, "A" * 64]},
        {"more": 1},
    ],
)
def test_an_entry_of_another_shape_is_refused(changes):
    receipt = sample_receipt()
    receipt["entries"][1].update(changes)
    assert _refusal(receipt_bytes(receipt)) == ("RECEIPT_FORMAT", OTHER_FORMAT)


def test_an_entry_is_an_object():
    receipt = sample_receipt()
    receipt["entries"][1] = ["event", "salt_hex", "index", "proof"]
    assert _refusal(receipt_bytes(receipt)) == ("RECEIPT_FORMAT", OTHER_FORMAT)


@pytest.mark.parametrize("key", ["event", "salt_hex", "index", "proof"])
def test_every_member_of_an_entry_is_needed(key):
    receipt = sample_receipt()
    del receipt["entries"][1][key]
    assert _refusal(receipt_bytes(receipt)) == ("RECEIPT_FORMAT", OTHER_FORMAT)


@pytest.mark.parametrize("changes", [{"discount_id": "dsc_2"}, {"discount_id": None}, {"n": 3}, {"n": 1}, {"n": "2"}])
def test_an_event_of_another_discount_or_place_is_refused(changes):
    receipt = sample_receipt()
    receipt["entries"][1]["event"].update(changes)
    assert _refusal(receipt_bytes(receipt)) == ("RECEIPT_EVENTS", "Entry 2 is not event 2 of this discount.")


def test_true_is_not_the_number_one():
    receipt = sample_receipt()
    receipt["entries"][0]["event"]["n"] = True
    assert _refusal(receipt_bytes(receipt)) == ("RECEIPT_EVENTS", "Entry 1 is not event 1 of this discount.")


def test_a_receipt_that_leaves_out_an_event_in_front_is_refused():
    receipt = sample_receipt()
    receipt["entries"] = receipt["entries"][1:]
    assert _refusal(receipt_bytes(receipt)) == ("RECEIPT_EVENTS", "Entry 1 is not event 1 of this discount.")


@pytest.mark.parametrize(
    ("key", "value"), [("index", 0), ("index", -1), ("index", 4), ("salt_hex", "0" * 32), ("proof", ["0" * 64])]
)
def test_an_event_that_the_log_does_not_hold_is_refused(key, value):
    receipt = sample_receipt()
    receipt["entries"][1][key] = value
    told = "Event 2 is not in the log under this checkpoint."
    assert _refusal(receipt_bytes(receipt)) == ("RECEIPT_PROOF", told)


def test_a_receipt_that_does_not_reach_the_end_names_its_last_event():
    told = "The last event is DiscountSealed: the discount had not ended, or more was cut off."
    assert _refusal(receipt_bytes(sample_receipt((*KINDS[:2], "DiscountSealed")))) == ("RECEIPT_INCOMPLETE", told)


def test_a_receipt_whose_end_was_cut_off_is_refused():
    receipt = sample_receipt()
    receipt["entries"] = receipt["entries"][:-1]
    assert _refusal(receipt_bytes(receipt))[0] == "RECEIPT_INCOMPLETE"


def test_what_may_come_after_the_end_is_no_end():
    assert _refusal(receipt_bytes(sample_receipt(("BillEndorsed",))))[0] == "RECEIPT_INCOMPLETE"


def test_an_end_within_a_receipt_does_not_end_it():
    assert _refusal(receipt_bytes(sample_receipt(("DiscountPaid", "Told", "Told"))))[0] == "RECEIPT_INCOMPLETE"


def test_the_checkpoints_fault_is_passed_on():
    receipt = sample_receipt()
    receipt["checkpoint"] = receipt["checkpoint"].replace("\n4\n", "\n5\n")
    assert _refusal(receipt_bytes(receipt)) == ("RECEIPT_CHECKPOINT", "The checkpoint's signature is wrong.")


def test_a_checkpoint_of_absurd_size_is_refused_not_crashed_on():
    receipt = sample_receipt()
    receipt["checkpoint"] = receipt["checkpoint"].replace("\n4\n", "\n" + "4" * 5_000 + "\n")
    assert _refusal(receipt_bytes(receipt))[0] == "RECEIPT_CHECKPOINT"


def _named(signer):
    return f"{signer.key.name}+{signer.key.identity.hex()}"


def test_another_log_than_the_pinned_one_is_refused():
    policy = TrustPolicy.parse(POLICY_TEXT.partition("\n")[2])
    told = (
        f"The checkpoint bears signatures that are not pinned: {_named(LOG)}."
        " Pin a key only as its owner gave it to you."
    )
    assert _refusal(receipt_bytes(sample_receipt()), policy) == ("RECEIPT_CHECKPOINT", told)


def test_a_signature_that_is_there_twice_is_refused():
    receipt = sample_receipt()
    receipt["checkpoint"] += receipt["checkpoint"].splitlines(keepends=True)[-1]
    told = "The checkpoint bears a signature that is not pinned, or one twice."
    assert _refusal(receipt_bytes(receipt)) == ("RECEIPT_CHECKPOINT", told)


def test_a_witness_that_is_not_pinned_is_refused():
    policy = TrustPolicy.parse("\n".join([POLICY_TEXT.split("\n")[0], *POLICY_TEXT.split("\n")[1:2], "quorum w1"]))
    others = f"{_named(WITNESSES[1])}, {_named(WITNESSES[2])}"
    told = f"The checkpoint bears signatures that are not pinned: {others}. Pin a key only as its owner gave it to you."
    assert _refusal(receipt_bytes(sample_receipt()), policy) == ("RECEIPT_CHECKPOINT", told)


def test_the_salt_comes_before_the_events_canonical_bytes():
    # printf '\x01\x02{"a":1,"b":2}' | sha256sum
    expected = "032b36facd4ea1710fd0292fa0c6a8c9300f217d6009a5c933dbe0b00fffdae9"
    assert event_leaf(b"\x01\x02", {"b": 2, "a": 1}).hex() == expected
