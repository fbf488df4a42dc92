"""The command with which a supervisor follows what happens, against the platform in memory and its published log."""

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from access_fakes import Gateway, MemoryNonces, Request, ed25519, key_record, load_app
from in_memory import PARTNER, Platform, sample_bills
from rongtong import follow
from rongtong.adapters.feed_socket import FeedClosedError
from rongtong.entrypoints import bootstrap
from rongtong.entrypoints.routes import ROUTES
from rongtong.services.cosigning import stored_note
from rongtong.services.records import STATE, logged_indices
from rongtong.services.sweep import sweep
from scripted_server import Reply, serving

BILLS = [bill for bill in sample_bills() if bill.bill and not bill.quote and bill.expected == "disbursed"]
SUPERVISED = [route for route in ROUTES if route.path.startswith("/v1/supervision/")]


@dataclass
class Feed:
    """The platform's API as the supervisor's key reaches it, the published log, and what the command is given."""

    platform: Platform
    folder: Path
    url: str = ""
    change: object = staticmethod(lambda path, document: document)
    """What is answered instead."""

    def publish(self):
        """Cosign, and publish the log as it is now."""
        sweep(self.platform.context)
        for path, content in self.platform.context.files.files.items():
            if path.startswith("tile/"):
                file = self.folder / "log" / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
        (self.folder / "log" / "checkpoint").write_text(stored_note(self.platform.context))

    def pay(self, bill, key="key-1"):
        discount_id = self.platform.accept(bill, key)
        self.platform.run(discount_id)
        return discount_id

    def run(self, *more, pause=lambda _: None):
        where = ["--url", self.url, "--key-id", "sample-supervisor#1", "--key", str(self.folder / "key.pem")]
        trust = ["--policy", str(self.folder / "trust.txt"), "--log", str(self.folder / "log")]
        return follow.main([*where, *trust, "--cursor", str(self.folder / "cursor"), *more], pause=pause)

    def once(self, capsys, *more):
        """Run until nothing is left; the exit code, the events, and all that was printed."""
        code = self.run("--once", "--json", *more)
        printed = capsys.readouterr()
        lines = [line for line in printed.out.splitlines() if line.startswith("{")]
        return code, [json.loads(line) for line in lines], printed.out + printed.err


@pytest.fixture
def feed(tmp_path, monkeypatch):
    key, platform, nonces = ed25519(), Platform((PARTNER, "partner-b")), MemoryNonces()
    monkeypatch.setattr(bootstrap, "context", lambda: platform.context)
    monkeypatch.setitem(os.environ, "SIGNED_PATH_PREFIX", "")
    authorization = load_app("authorization")
    monkeypatch.setattr(authorization, "context", lambda: platform.context)
    monkeypatch.setattr(authorization, "nonces", lambda: nonces)
    record = {"role": "supervisor", "keys": {"1": key_record(key)}}
    platform._create("partner#sample-supervisor", STATE, record)
    app = load_app("supervision").app
    gateway = Gateway(authorization.authorize, {(route.method, route.path): app for route in SUPERVISED})
    made = Feed(platform, tmp_path)
    (tmp_path / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "trust.txt").write_text(platform.trust.text())

    def answer(seen):
        path = seen.path.removeprefix("/v")
        parts = path.split("/")
        named = {"discount_id": parts[4]} if path.startswith("/v1/supervision/discounts/") else {}
        template = path.replace(named.get("discount_id", "{}"), "{discount_id}")
        (route,) = [one for one in SUPERVISED if one.path == template]
        headers = {name: value for name, value in seen.headers.items() if name != "host"} | {
            "host": seen.headers["host"]
        }
        got = gateway.send(route, Request(seen.method, path, seen.query, headers), named)
        return Reply(got.status, made.change(path, got.document), got.headers)

    with serving(answer) as server:
        made.url = f"{server.url}/v"
        yield made


def test_every_event_is_printed_in_its_order_and_found_in_the_log(feed, capsys):
    paid = feed.pay(BILLS[0])
    feed.publish()
    code, events, _ = feed.once(capsys)
    of_it = [one["index"] for one in events if one["event"]["subject"] == paid]
    assert code == 0
    assert of_it == [index for index in logged_indices(feed.platform.body(paid)) if index in of_it]
    assert [one["index"] for one in events] == sorted({one["index"] for one in events})
    assert events[-1]["event"]["type"].startswith("com.rongtong.")


def test_after_a_break_it_goes_on_where_it_was(feed, capsys):
    feed.pay(BILLS[0])
    feed.publish()
    _, first, _ = feed.once(capsys)
    second_id = feed.pay(BILLS[1], "key-2")
    feed.publish()
    code, second, _ = feed.once(capsys)
    assert code == 0
    assert min(one["index"] for one in second) > max(one["index"] for one in first)
    assert {one["event"]["subject"] for one in second} >= {second_id}
    assert feed.once(capsys)[:2] == (0, [])


def test_a_run_that_was_cut_off_loses_nothing(feed, capsys, monkeypatch):
    """Cut off at any page: what the next run tells goes on behind what the cursor has, and nothing is left out."""
    for at in range(3):
        feed.pay(BILLS[at], f"key-{at}")
    feed.publish()
    whole = [one["index"] for one in feed.once(capsys)[1]]
    (feed.folder / "cursor").unlink()
    monkeypatch.setattr(follow, "_LIMIT", 2)
    told = []
    for _ in range(len(whole)):
        answered = iter((1, 0))

        def cut(path, document, answered=answered):
            return document if next(answered, 0) else {"events": []}

        feed.change = cut
        _, events, _ = feed.once(capsys)
        told += [one["index"] for one in events]
    assert told == whole


def test_what_was_told_is_compared_with_the_receipts_of_ended_discounts(feed, capsys):
    paid = feed.pay(BILLS[0])
    feed.publish()
    assert feed.run("--once", "--receipts") == 0
    printed = capsys.readouterr().out
    assert f"{paid}: " in printed
    assert "as they stand in its receipt" in printed
    assert ", cosigned by w1" in printed


def told_otherwise(path, document):
    """The feed lies about an amount, and keeps the leaf."""
    for one in document.get("events", ()):
        if one["event"]["type"] == "com.rongtong.discount.paid.v1":
            one["event"]["data"]["amount_fen"] += 1
    return document


def test_an_event_that_was_told_otherwise_than_its_receipt_has_it_is_refused(feed, capsys):
    feed.pay(BILLS[0])
    feed.publish()
    feed.change = told_otherwise
    assert feed.run("--once", "--receipts") == 1
    assert "REFUSED EVENT_DIFFERS" in capsys.readouterr().out


def hidden(path, document):
    """The feed hides an event among the leaves that are no public ones."""
    if path.endswith("/events"):
        shown = [one for one in document["events"] if one["event"]["type"] != "com.rongtong.discount.sealed.v1"]
        document["others"] += len(document["events"]) - len(shown)
        document["events"] = shown
    return document


def test_a_public_event_that_was_counted_among_the_others_is_found_by_the_receipt(feed, capsys):
    feed.pay(BILLS[0])
    feed.publish()
    feed.change = hidden
    assert feed.run("--once", "--receipts") == 1
    assert "was not told" in capsys.readouterr().out


def left_out(_, document):
    return {**document, "events": document["events"][1:]} if document.get("events") else document


def repeated(_, document):
    return {**document, "events": [document["events"][0], *document["events"]]} if document.get("events") else document


def swapped(_, document):
    return {**document, "events": document["events"][::-1]} if document.get("events") else document


def no_feed(*_):
    return {"events": "none"}


def stands_still(_, document):
    return {**document, "events": [], "others": 0, "after": -1, "more": True}


@pytest.mark.parametrize("change", [left_out, repeated, swapped, no_feed, stands_still])
def test_an_answer_that_leaves_out_or_mixes_up_leaves_is_refused(feed, capsys, change):
    feed.pay(BILLS[0])
    feed.publish()
    feed.change = change
    code, events, printed = feed.once(capsys)
    assert (code, events) == (1, [])
    assert "REFUSED FEED_WRONG" in printed
    assert not (feed.folder / "cursor").exists()


def test_a_leaf_that_the_log_does_not_hold_is_refused_and_the_cursor_stays(feed, capsys):
    feed.pay(BILLS[0])
    feed.publish()

    def forged(_, document):
        document["events"][0]["leaf_hash"] = "00" * 32
        return document

    feed.change = forged
    code, events, printed = feed.once(capsys)
    assert (code, events) == (1, [])
    assert "REFUSED LEAF_DIFFERS" in printed


def test_a_log_that_was_set_back_or_forked_is_refused(feed, capsys):
    feed.pay(BILLS[0])
    feed.publish()
    assert feed.once(capsys)[0] == 0
    kept = json.loads((feed.folder / "cursor").read_text())
    (feed.folder / "cursor").write_text(json.dumps({**kept, "root": "11" * 32, "size": kept["size"]}))
    feed.pay(BILLS[1], "key-2")
    feed.publish()
    code, events, printed = feed.once(capsys)
    assert (code, events) == (1, [])
    assert "REFUSED LOG_FORKED" in printed
    (feed.folder / "cursor").write_text(json.dumps({**kept, "after": 10_000, "size": 10_001}))
    code, _, printed = feed.once(capsys)
    assert code == 1
    assert "REFUSED LOG_SHRUNK" in printed


def test_a_checkpoint_that_the_pinned_witnesses_did_not_cosign_is_refused(feed, capsys):
    feed.pay(BILLS[0])
    feed.publish()
    others = Platform(()).trust
    (feed.folder / "trust.txt").write_text(replace(others, logs=feed.platform.trust.logs).text())
    checkpoint = feed.folder / "log" / "checkpoint"
    text = checkpoint.read_text()
    checkpoint.write_text("".join(line for line in text.splitlines(keepends=True) if not line.startswith("— w")))
    code, events, printed = feed.once(capsys)
    assert (code, events) == (1, [])
    assert "REFUSED LOG_CHECKPOINT" in printed


def test_an_event_that_the_platform_cannot_show_is_told_as_missing_and_ends_with_1(feed, capsys):
    paid = feed.pay(BILLS[0])
    feed.publish()
    del feed.platform.context.store.items[f"discount#{paid}", "event#0002"]
    assert feed.run("--once") == 1
    assert "MISSING" in capsys.readouterr().out


def test_a_refused_key_ends_with_3_and_says_why(feed, capsys):
    item = feed.platform.context.store.get("partner#sample-supervisor", STATE)
    keys = {"1": {**item.body["keys"]["1"], "revoked_at": "2020-01-01T00:00:00Z"}}
    feed.platform.context.store.transact([item.replaced({**item.body, "keys": keys})])
    assert feed.run("--once") == 3
    assert "SIGNATURE_REFUSED" in capsys.readouterr().err


@pytest.mark.parametrize("broken", ["key.pem", "trust.txt", "cursor"])
def test_a_file_that_cannot_be_used_ends_with_2(feed, capsys, broken):
    (feed.folder / broken).write_text("none")
    assert feed.run("--once") == 2
    assert capsys.readouterr() != ("", "")


def test_it_asks_by_the_clock_until_it_is_interrupted(feed, capsys):
    asked = []

    def pause(seconds):
        asked.append(seconds)
        if len(asked) == 2:
            raise KeyboardInterrupt
        feed.pay(BILLS[0])
        feed.publish()

    assert feed.run("--every", "7", pause=pause) == 0
    assert asked == [7.0, 7.0]
    assert "discount.paid.v1" in capsys.readouterr().out


def test_a_cursor_that_cannot_be_kept_ends_with_2(feed, capsys):
    feed.pay(BILLS[0])
    feed.publish()
    (feed.folder / "cursor.new").mkdir()
    assert feed.run("--once") == 2
    assert "cursor cannot be kept" in capsys.readouterr().err


class Hinting:
    """A feed that is connected, hints once, closes, cannot be reached, and is interrupted."""

    def __init__(self, steps, seen):
        self.steps, self.seen = list(steps), seen

    def __call__(self, url, key_id, key):
        self.seen.append((url, key_id))
        return self

    def connect(self):
        if self.steps and self.steps[0] == "down":
            self.steps.pop(0)
            raise FeedClosedError("it cannot be reached")

    def wait(self, seconds):
        step = self.steps.pop(0)
        if isinstance(step, Exception) or step is KeyboardInterrupt:
            raise step
        return step() if callable(step) else step

    def close(self):
        self.seen.append("closed")


def test_with_a_feed_it_asks_when_it_is_hinted_and_by_the_clock_while_the_feed_is_down(feed, capsys, monkeypatch):
    seen, paused, asked = [], [], []

    def happened():
        feed.pay(BILLS[0])
        feed.publish()
        return {"after": 3}

    steps = [happened, FeedClosedError("the platform closed it"), "down", None, KeyboardInterrupt]
    monkeypatch.setattr(follow, "FeedSocket", Hinting(steps, seen))
    feed.change = lambda path, document: asked.append(path) or document
    assert feed.run("--feed", "wss://feed.example/v", "--every", "7", pause=paused.append) == 0
    assert seen == [("wss://feed.example/v", "sample-supervisor#1"), "closed"]
    assert paused == [7.0, 7.0]
    assert len([path for path in asked if path.endswith("/events")]) >= 5
    printed = capsys.readouterr()
    assert "discount.paid.v1" in printed.out
    assert printed.err.count("asking every 7 s") == 2
