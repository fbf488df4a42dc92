"""The trust policy (C2SP tlog-policy): what it may say, when a checkpoint is trusted, and who makes a quorum."""

import json
from itertools import combinations
from pathlib import Path

import pytest

from rongtong.domain.checkpoint import Checkpoint, CheckpointError
from rongtong.domain.note import COSIGNATURE, VerifierKey
from rongtong.domain.trust import Group, TrustPolicy, TrustPolicyError
from witnessed_log import LOG, POLICY, POLICY_TEXT, STRANGER, WITNESSES, Signer, cosigned

PUBLIC = json.loads((Path(__file__).parents[2] / "transparency_vectors.json").read_text(encoding="utf-8"))["cosigned"]
HEAD = Checkpoint(LOG.key.name, 12, bytes(32))
TEXT = HEAD.text()
X1, X2, X3, Y1, Y2, Y3 = (Signer(f"{name}.example", 40 + at, COSIGNATURE) for at, name in enumerate("abcdef"))
LOG_KEY, KEY, OTHER = LOG.key.text(), X1.key.text(), X2.key.text()
# The specification's example, with keys in it.
EXAMPLE = f"""log {LOG_KEY}

witness X1 {X1.key.text()}
witness X2 {X2.key.text()}
witness X3 {X3.key.text()}
group X-witnesses 2 X1 X2 X3

witness Y1 {Y1.key.text()}
witness Y2 {Y2.key.text()}
witness Y3 {Y3.key.text()}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


def test_the_specifications_example_is_read():
    policy = TrustPolicy.parse(EXAMPLE)
    assert policy.logs == (LOG.key,)
    assert policy.witnesses["Y2"] == Y2.key
    assert policy.groups["X-witnesses"] == Group(2, ("X1", "X2", "X3"))
    assert policy.groups["Y-witnesses"] == Group(1, ("Y1", "Y2", "Y3"))
    assert policy.groups["X-and-Y"] == Group(2, ("X-witnesses", "Y-witnesses"))
    assert policy.quorum == "X-and-Y"


@pytest.mark.parametrize("count", range(7))
def test_the_specifications_example_needs_two_of_x_and_one_of_y(count):
    policy = TrustPolicy.parse(EXAMPLE)
    for chosen in combinations([X1, X2, X3, Y1, Y2, Y3], count):
        note = cosigned(TEXT, chosen)
        if len({*chosen} & {X1, X2, X3}) >= 2 and {*chosen} & {Y1, Y2, Y3}:
            assert [one.witness for one in policy.judge(note).cosignatures] == [one.key for one in chosen]
        else:
            with pytest.raises(CheckpointError, match=f"^The checkpoint has {count} cosignatures, which are no quorum"):
                policy.judge(note)


def test_a_public_checkpoint_is_trusted_under_a_policy_of_its_log_and_witnesses():
    lines = [f"witness w{at} {text}" for at, text in enumerate(PUBLIC["witnesses"])]
    policy = TrustPolicy.parse("\n".join([f"log {PUBLIC['log']}", *lines, "group g 3 w0 w1 w2 w3", "quorum g"]))
    trusted = policy.judge(PUBLIC["note"])
    assert (trusted.checkpoint.size, {one.time for one in trusted.cosignatures}) == (1_432_088_532, {PUBLIC["time"]})


def test_a_policy_reads_back_from_its_text():
    policy = TrustPolicy.parse(EXAMPLE)
    assert TrustPolicy.parse(policy.text()) == policy


def test_a_log_may_have_a_url():
    assert TrustPolicy.parse(POLICY_TEXT.replace("\n", " https://log.example/\n", 1)).logs == POLICY.logs


def test_a_witness_may_have_a_url_and_keeps_it():
    policy = TrustPolicy.parse(f"witness w {KEY} https://w.example/submit\nquorum w\n")
    assert policy.urls == {"w": "https://w.example/submit"}
    assert TrustPolicy.parse(policy.text()) == policy


def test_space_tabs_empty_lines_and_comments_are_ignored():
    text = f"\n# comment\n\t # another\n\twitness \t w1  {KEY}   https://w1.example.com/  \n\n  quorum\tw1"
    assert list(TrustPolicy.parse(text).witnesses) == ["w1"]


def test_words_of_the_format_are_names_like_others():
    policy = TrustPolicy.parse(f"witness all {KEY}\nwitness any {OTHER}\ngroup group 2 all any\nquorum group\n")
    assert policy.groups == {"group": Group(2, ("all", "any"))}


WORDS = "Write log, witness, group or, once, quorum."
TAKEN = "The name {} is taken."
UNDEFINED = "{} is not defined before it is used."
MEMBER = "{} is not defined before it is used, or is a member twice."
THRESHOLD = "A group's threshold is any, all or a number up to its members'."
OWN_LOG = "A log needs an Ed25519 key (type 1) of its own."
OWN_WITNESS = "A witness needs a cosignature key (type 4) of its own."
W1 = f"witness w1 {KEY}\n"
W2 = f"witness w2 {OTHER}\n"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (f"quibble w1\n{W1}quorum none\n", 1, WORDS),
        (f"{W1[:-1]} https://w1.example.com/ # comment\nquorum w1\n", 1, WORDS),
        ("log\nquorum none\n", 1, WORDS),
        (f"log {LOG_KEY} https://a https://b\nquorum none\n", 1, WORDS),
        ("log garbage\nquorum none\n", 1, "This is no Ed25519 verifier key (name+id+base64, type 1 or 4)."),
        (f"log {KEY}\nquorum none\n", 1, OWN_LOG),
        (f"log {LOG_KEY}\nlog {VerifierKey('another', LOG.key.public_key).text()}\nquorum none\n", 2, OWN_LOG),
        ("witness w1\nquorum none\n", 1, WORDS),
        (f"witness w1 {LOG_KEY}\nquorum w1\n", 1, OWN_WITNESS),
        (f"{W1}witness w2 {VerifierKey('x', X1.key.public_key, COSIGNATURE).text()}\nquorum w1\n", 2, OWN_WITNESS),
        (f"witness none {KEY}\nquorum none\n", 1, TAKEN.format("none")),
        (f"{W1}witness w1 {OTHER}\nquorum w1\n", 2, TAKEN.format("w1")),
        (f"{W1}group w1 any w1\nquorum w1\n", 2, TAKEN.format("w1")),
        (f"{W1}group none any w1\nquorum none\n", 2, TAKEN.format("none")),
        (f"{W1}{W2}group g any w1\ngroup g any w2\nquorum g\n", 4, TAKEN.format("g")),
        (f"{W1}group g 1\nquorum w1\n", 2, WORDS),
        (f"{W1}group g 0 w1\nquorum g\n", 2, THRESHOLD),
        (f"{W1}group g 2 w1\nquorum g\n", 2, THRESHOLD),
        (f"{W1}group g -1 w1\nquorum g\n", 2, THRESHOLD),
        (f"{W1}group g 01 w1\nquorum g\n", 2, THRESHOLD),
        (f"{W1}group g １ w1\nquorum g\n", 2, THRESHOLD),
        (f"{W1}group g some w1\nquorum g\n", 2, THRESHOLD),
        (f"{W1}group g any w2\nquorum g\n", 2, MEMBER.format("w2")),
        (f"group g any w1\n{W1}quorum g\n", 1, MEMBER.format("w1")),
        (f"{W1}group g any none w1\nquorum g\n", 2, MEMBER.format("none")),
        (f"{W1}group g all w1 w1\nquorum g\n", 2, MEMBER.format("w1")),
        (f"{W1}{W2}group g any w1 w2\ngroup h any w1\nquorum g\n", 4, MEMBER.format("w1")),
        (f"{W1}quorum w1\nquorum w1\n", 3, WORDS),
        ("quorum unknown\n", 1, UNDEFINED.format("unknown")),
        (f"quorum w1\n{W1}", 1, UNDEFINED.format("w1")),
        ("quorum\n", 1, WORDS),
        (f"{W1}quorum w1 w1\n", 2, WORDS),
        (f"{W1}quorum w1\r\n", 2, UNDEFINED.format("w1\r")),
    ],
)
def test_a_malformed_policy_is_refused_with_line_and_reason(text, line, message):
    with pytest.raises(TrustPolicyError) as refused:
        TrustPolicy.parse(text)
    assert str(refused.value) == f"Line {line} of the policy: {message}"


@pytest.mark.parametrize("text", ["", W1, f"# quorum w1\n{W1}"])
def test_a_policy_says_who_is_the_quorum(text):
    with pytest.raises(TrustPolicyError, match=r"^The policy has no quorum line; `quorum none` asks for no"):
        TrustPolicy.parse(text)


def test_a_quorum_of_none_asks_for_no_cosignature():
    policy = TrustPolicy.parse(f"log {LOG_KEY}\nquorum none\n")
    assert policy.judge(cosigned(TEXT, [])).checkpoint == HEAD


def test_a_quorum_may_be_one_witness():
    policy = TrustPolicy.parse(f"log {LOG_KEY}\n{W1}{W2}quorum w2\n")
    assert [one.witness for one in policy.judge(cosigned(TEXT, [X2])).cosignatures] == [X2.key]
    with pytest.raises(CheckpointError, match=r"^The checkpoint has 1 cosignatures, which are no quorum"):
        policy.judge(cosigned(TEXT, [X1]))


@pytest.mark.parametrize(
    ("note", "message"),
    [
        ("nothing", "This is no signed note: a text, a blank line and signature lines."),
        (cosigned(TEXT.replace("rongtong", "other")), "The checkpoint is of a log that is not pinned."),
        (cosigned(TEXT).replace("\n12\n", "\n13\n"), "The checkpoint's signature is wrong."),
        (
            cosigned(TEXT, log=Signer(LOG.key.name, 8)),
            "The checkpoint is not signed by the pinned log key.",
        ),
        (
            LOG.signed(TEXT) + WITNESSES[0].cosignature(TEXT + "\n") + WITNESSES[1].cosignature(TEXT),
            "The cosignature of witness.example/w1 is wrong.",
        ),
    ],
)
def test_a_checkpoint_that_nobody_should_trust_is_refused_with_the_reason(note, message):
    with pytest.raises(CheckpointError) as refused:
        POLICY.judge(note)
    assert str(refused.value) == message


@pytest.mark.parametrize("more", [STRANGER, WITNESSES[0]])
def test_only_a_strict_judge_refuses_a_line_of_a_stranger_or_one_twice(more):
    note = cosigned(TEXT, [*WITNESSES, more])
    assert len(POLICY.judge(note).cosignatures) == 3
    with pytest.raises(CheckpointError, match=r"^The checkpoint bears a signature that is not pinned, or one twice\.$"):
        POLICY.judge(note, strict=True)


def test_a_strict_judge_accepts_what_all_pinned_witnesses_cosigned():
    assert len(POLICY.judge(cosigned(TEXT), strict=True).cosignatures) == 3


def test_every_changed_byte_of_a_checkpoint_is_refused_by_a_strict_judge():
    content = cosigned(TEXT, WITNESSES[:2]).encode()
    for at in range(len(content)):
        for changed in {*(content[at] ^ 1 << bit for bit in range(8)), ord("A"), ord("~")} - {content[at]}:
            altered = content[:at] + bytes([changed]) + content[at + 1 :]
            with pytest.raises((CheckpointError, UnicodeDecodeError)):
                POLICY.judge(altered.decode(), strict=True)
