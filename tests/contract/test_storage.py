"""One suite for store, archive and vault, held against the stand-in and against the real adapter."""

import os

import boto3
import pytest
from moto import mock_aws

from fakes import MemoryArchive, MemoryStore, PlainVault
from rongtong.adapters.archive import S3Archive
from rongtong.adapters.dynamodb import DynamoStore
from rongtong.adapters.kms import KmsVault
from rongtong.services.errors import ContractAlteredError, SealedDataError
from rongtong.services.storage import Count, Create, Item, Listing, Owned, Position, Replace, WriteConflictError
from sandbox_server import create_table
from sqlite_store import SqliteStore

REGION = "us-east-1"


@pytest.fixture(scope="module", autouse=True)
def _credentials():
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION=REGION)


@pytest.fixture(params=["in memory", "in a file", "dynamodb"])
def store(request, tmp_path):
    if request.param == "in memory":
        yield MemoryStore()
        return
    if request.param == "in a file":
        yield SqliteStore(tmp_path / "store.db")
        return
    with mock_aws():
        create_table("business")
        create_table("evidence")
        yield DynamoStore("business", "evidence", region=REGION)


@pytest.fixture(params=["in memory", "s3"])
def archive(request):
    if request.param == "in memory":
        yield MemoryArchive()
        return
    with mock_aws():
        boto3.client("s3", region_name=REGION).create_bucket(Bucket="contracts")
        yield S3Archive("contracts")


@pytest.fixture(params=["in memory", "kms"])
def vault(request):
    if request.param == "in memory":
        yield PlainVault()
        return
    with mock_aws():
        key = boto3.client("kms", region_name=REGION).create_key()["KeyMetadata"]["KeyId"]
        yield KmsVault(key)


def test_what_was_created_is_read_back_with_version_1(store):
    store.transact([Create("a#1", "state", {"名": ["值", 1, None, True]})])
    assert store.get("a#1", "state") == Item("a#1", "state", {"名": ["值", 1, None, True]}, 1)
    assert store.get("a#1", "other") is None


def test_many_documents_are_read_in_the_order_asked_for(store):
    store.transact(
        [Create("a#1", "state", {"n": 1}), Create("b#1", "state", {"n": 2}), Create("log", "head", {"n": 3})]
    )
    keys = [("log", "head"), ("a#1", "none"), ("b#1", "state"), ("a#1", "state")]
    assert [item and item.body["n"] for item in store.get_many(keys)] == [3, None, 2, 1]


def test_a_document_is_created_once(store):
    store.transact([Create("a#1", "state", {"n": 1})])
    with pytest.raises(WriteConflictError) as conflict:
        store.transact([Create("a#1", "state", {"n": 2})])
    assert (conflict.value.failed, store.get("a#1", "state").body) == ((0,), {"n": 1})


def test_a_document_is_replaced_only_at_the_version_that_was_read(store):
    store.transact([Create("a#1", "state", {"n": 1})])
    store.transact([Replace("a#1", "state", {"n": 2}, 1)])
    with pytest.raises(WriteConflictError):
        store.transact([Replace("a#1", "state", {"n": 3}, 1)])
    assert store.get("a#1", "state") == Item("a#1", "state", {"n": 2}, 2)


def test_a_transaction_writes_all_or_nothing_and_names_what_failed(store):
    store.transact([Create("a#1", "state", {})])
    writes = [
        Create("b#1", "state", {}),
        Create("a#1", "state", {}),
        Count("c#1", "used", 5),
        Replace("d#1", "state", {}, 1),
    ]
    with pytest.raises(WriteConflictError) as conflict:
        store.transact(writes)
    assert conflict.value.failed == (1, 3)
    assert (store.get("b#1", "state"), store.counter("c#1", "used")) == (None, 0)


def test_a_counter_fills_to_its_limit_exactly_and_gives_back(store):
    store.transact([Count("c#1", "used", 60, 100)])
    store.transact([Count("c#1", "used", 40, 100)])
    with pytest.raises(WriteConflictError):
        store.transact([Count("c#1", "used", 1, 100)])
    store.transact([Count("c#1", "used", -30)])
    assert store.counter("c#1", "used") == 70


def test_a_counter_s_first_amount_may_not_exceed_its_limit(store):
    with pytest.raises(WriteConflictError):
        store.transact([Count("c#1", "used", 101, 100)])
    assert store.counter("c#1", "used") == 0


def test_a_partition_is_read_in_key_order_from_where_it_is_asked(store):
    store.transact([Create("a#1", f"event#{number:04d}", {"n": number}) for number in (3, 1, 2)])
    store.transact([Create("a#1", "payment#1", {}), Create("a#2", "event#0001", {})])
    assert [item.body["n"] for item in store.query("a#1", "event#")] == [1, 2, 3]
    assert [item.body["n"] for item in store.query("a#1", "event#", start="event#0002")] == [2, 3]


def test_what_is_due_is_found_oldest_first_until_it_is_written_again(store):
    for name, due in (("late", "2026-04-15T02:05"), ("second", "2026-04-15T02:01"), ("first", "2026-04-15T02:00")):
        store.transact([Create(f"a#{name}", "state", {}, due=due), Create(f"a#{name}", "event#0001", {})])
    assert [item.pk for item in store.due("2026-04-15T02:05")] == ["a#first", "a#second"]
    store.transact([Replace("a#first", "state", {}, 1)])
    assert [item.pk for item in store.due("2026-04-15T02:05")] == ["a#second"]


def test_what_is_listed_is_found_by_owner_newest_first_and_stays_listed_when_replaced(store):
    for name, owner, at in (("1", "ent_1", "2026-04-15"), ("2", "ent_1", "2026-04-16"), ("3", "ent_2", "2026-04-15")):
        store.transact([Create(f"a#{name}", "state", {}, listing=Listing(owner, at, {"n": name}))])
    store.transact([store.get("a#1", "state").replaced({"changed": True})])
    assert [listing.summary["n"] for listing in store.listed("ent_1", "2026-04-01")] == ["2", "1"]
    assert [listing.summary["n"] for listing in store.listed("ent_1", "2026-04-16")] == ["2"]
    assert store.listed("ent_1", "2026-04-01", most=1) == [Listing("ent_1", "2026-04-16", {"n": "2"})]
    assert store.get("a#1", "state") == Item(
        "a#1", "state", {"changed": True}, 2, Listing("ent_1", "2026-04-15", {"n": "1"})
    )


def test_what_is_listed_is_read_in_parts_of_which_none_misses_or_doubles_what_came_at_the_same_instant(store):
    instants = {"1": "2026-04-15", "2": "2026-04-15", "3": "2026-04-15", "4": "2026-04-16", "5": "2026-04-14"}
    for name, at in instants.items():
        store.transact([Create(f"a#{name}", "state", {}, listing=Listing("ent_1", at, {"n": name}))])
    read, after = [], None
    while found := store.listed("ent_1", "0", most=2, after=after):
        read += [listing.summary["n"] for listing in found]
        after = Position(found[-1].at, *found[-1].key)
    assert sorted(read) == ["1", "2", "3", "4", "5"]
    assert (read[0], read[-1]) == ("4", "5")
    assert store.listed("ent_1", "2026-04-15", after=after) == []


def test_a_list_goes_on_behind_what_has_left_it(store):
    for name, at in (("1", "2026-04-15"), ("2", "2026-04-16"), ("3", "2026-04-17")):
        store.transact([Create(f"a#{name}", "state", {}, listing=Listing("ent_1", at, {"n": name}))])
    gone = store.get("a#2", "state")
    store.transact([Replace(gone.pk, gone.sk, {}, gone.version, Listing("ent_2", "2026-04-18", {"n": "2"}))])
    found = store.listed("ent_1", "0", after=Position("2026-04-16", "a#2", "state"))
    assert [listing.summary["n"] for listing in found] == ["1"]


def test_a_scan_finds_documents_and_counters_of_all_partitions_by_the_beginnings_of_their_keys(store):
    keys = [("a#1", "state"), ("a#1", "event#0001"), ("a#2", "event#0001"), ("b#1", "event#0001")]
    store.transact([*[Create(*key, {"n": 1}) for key in keys], Count("a#3", "used", 7)])
    found = {(item.pk, item.sk): (item.body, item.version) for item in store.scan("a#")}
    assert found == {**{key: ({"n": 1}, 1) for key in keys[:3]}, ("a#3", "used"): ({"fen": 7}, 0)}
    assert {(item.pk, item.sk) for item in store.scan("a#", "event#")} == {keys[1], keys[2]}


def test_a_scan_goes_on_where_a_page_of_the_table_ends(store):
    for number in range(12):
        store.transact([Create(f"a#{number}", "state", {"text": "x" * 200_000})])
    assert sorted(item.pk for item in store.scan("a#")) == sorted(f"a#{number}" for number in range(12))


@pytest.mark.parametrize("most", [1, 2, 3, 100])
def test_a_scan_in_pages_finds_each_document_and_counter_once(store, most):
    for number in range(4):
        store.transact([Create(f"a#{number}", "state", {"n": number}), Create(f"a#{number}", "event#0001", {})])
    store.transact([Create("b#1", "state", {}), Count("a#used", "state", 7)])
    found, after = [], None
    while True:
        page, after = store.scan_page("a#", "state", after=after, most=most)
        found += page
        if after is None:
            break
    assert sorted((item.pk, item.sk, item.version) for item in found) == [
        *[(f"a#{number}", "state", 1) for number in range(4)],
        ("a#used", "state", 0),
    ]
    assert sorted(str(item.body) for item in found) == sorted(str(item.body) for item in store.scan("a#", "state"))


def test_all_records_of_the_business_table_are_met_where_no_key_is_named(store):
    store.transact([Create("a#1", "state", {}), Create("b#1", "state", {}), Create("log", "head", {})])
    found, after = store.scan_page("", most=100)
    assert (after, {item.pk for item in found} - {"log"}) == (None, {"a#1", "b#1"})


def test_the_same_document_may_be_asked_for_twice(store):
    store.transact([Create("a#1", "state", {"n": 1})])
    assert [item.body["n"] for item in store.get_many([("a#1", "state"), ("a#1", "state")])] == [1, 1]


def test_evidence_and_business_records_change_in_one_transaction(store):
    store.transact([Create("log", "head", {"size": 1}), Create("a#1", "state", {})])
    assert store.get("log", "head").body == {"size": 1}
    assert store.query("log#leaves", "") == []


def test_evidence_lies_in_a_table_of_its_own():
    with mock_aws():
        create_table("business")
        create_table("evidence")
        DynamoStore("business", "evidence", region=REGION).transact(
            [Create("log", "head", {}), Create("a#1", "state", {})]
        )
        client = boto3.client("dynamodb", region_name=REGION)
        kept = {
            name: [item["pk"]["S"] for item in client.scan(TableName=name)["Items"]]
            for name in ("business", "evidence")
        }
    assert kept == {"business": ["a#1"], "evidence": ["log"]}


def test_an_archived_object_is_never_replaced(archive):
    archive.put("contracts/1", b"one")
    archive.put("contracts/1", b"one")
    with pytest.raises(ContractAlteredError):
        archive.put("contracts/1", b"two")
    assert (archive.get("contracts/1"), archive.get("contracts/2")) == (b"one", None)


def test_encrypted_text_opens_for_its_owner_only(vault):
    key = vault.new_key("ent_1")
    sealed = vault.encrypt("ent_1", key, "13812345678")
    assert "13812345678" not in sealed
    assert vault.decrypt("ent_1", key, sealed) == "13812345678"


def test_a_ciphertext_moved_to_another_owner_does_not_open():
    with mock_aws():
        vault = KmsVault(boto3.client("kms", region_name=REGION).create_key()["KeyMetadata"]["KeyId"])
        own, other = vault.new_key("ent_1"), vault.new_key("ent_2")
        sealed = vault.encrypt("ent_1", own, "13812345678")
        with pytest.raises(SealedDataError):
            vault.decrypt("ent_2", other, sealed)


def test_the_same_text_never_has_the_same_ciphertext():
    with mock_aws():
        vault = KmsVault(boto3.client("kms", region_name=REGION).create_key()["KeyMetadata"]["KeyId"])
        key = vault.new_key("ent_1")
        assert vault.encrypt("ent_1", key, "1") != vault.encrypt("ent_1", key, "1")


def _own(store, *documents):
    """Documents made at these instants, of two owners each."""
    for name, owner, at, second in documents:
        store.transact([Create(f"a#{name}", "event#0001", {}, owned=Owned(owner, at, second))])


def test_an_owner_s_list_is_read_newest_first_in_pages_that_meet(store):
    _own(store, *[(str(number), "partner#p", f"2026-04-{number:02}", None) for number in range(10, 17)])
    _own(store, ("other", "partner#q", "2026-04-12", None))
    store.transact([Create("a#unlisted", "event#0001", {})])
    pages, after = [], None
    while not pages or len(pages[-1]) == 3:
        pages.append(store.page("partner#p", after=after, most=3))
        after = pages[-1][-1]
    assert [[one.pk for one in page] for page in pages] == [
        ["a#16", "a#15", "a#14"],
        ["a#13", "a#12", "a#11"],
        ["a#10"],
    ]
    assert pages[0][0] == Position("2026-04-16", "a#16", "event#0001")


def test_documents_of_one_instant_are_all_read_though_a_page_ends_between_them(store):
    _own(store, *[(str(number), "partner#p", "2026-04-15", None) for number in range(5)])
    first = store.page("partner#p", most=2)
    rest = store.page("partner#p", after=first[-1], most=5)
    assert sorted(one.pk for one in [*first, *rest]) == [f"a#{number}" for number in range(5)]


def test_a_document_stands_in_its_second_owner_s_list_too_and_only_there(store):
    _own(store, ("1", "partner#p", "2026-04-15", "institution#b"), ("2", "partner#p", "2026-04-16", None))
    assert [one.pk for one in store.page("institution#b", second=True)] == ["a#1"]
    assert (store.page("institution#b"), store.page("partner#p", second=True)) == ([], [])


def test_a_list_is_bounded_by_instants_both_included(store):
    _own(store, *[(str(number), "partner#p", f"2026-04-{number}", None) for number in range(10, 15)])
    found = store.page("partner#p", first="2026-04-11", last="2026-04-13")
    assert [one.pk for one in found] == ["a#13", "a#12", "a#11"]


def test_nothing_was_made_between_a_later_instant_and_an_earlier_one(store):
    _own(store, ("1", "partner#p", "2026-04-15", None))
    assert store.page("partner#p", first="2026-04-16", last="2026-04-14") == []
    assert store.page("partner#p", first="9999-12-31") == []


@pytest.mark.parametrize(("at", "found"), [("2026-04-09", []), ("2026-04-14", ["a#13", "a#12", "a#11"])])
def test_a_place_outside_of_the_bounds_has_all_of_them_or_nothing_behind_it(store, at, found):
    _own(store, *[(str(number), "partner#p", f"2026-04-{number}", None) for number in range(10, 15)])
    place = Position(at, "a#x", "event#0001")
    assert [one.pk for one in store.page("partner#p", after=place, first="2026-04-11", last="2026-04-13")] == found


def test_what_is_owned_stays_so_when_it_is_replaced(store):
    _own(store, ("1", "partner#p", "2026-04-15", "institution#b"))
    item = store.get("a#1", "event#0001")
    assert item.owned == Owned("partner#p", "2026-04-15", "institution#b")
    store.transact([item.replaced({"changed": True})])
    assert [one.pk for one in store.page("partner#p")] == ["a#1"]
    assert store.get("a#1", "event#0001") == Item("a#1", "event#0001", {"changed": True}, 2, owned=item.owned)
