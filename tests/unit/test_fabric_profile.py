"""The common connection profile in the forms in which Fabric's users have it."""

import json

import pytest
import yaml

from fabric_msp import Organisation
from rongtong.adapters.fabric.outcomes import ChainProfileError
from rongtong.adapters.fabric.pem import PemSource, from_msp_folder
from rongtong.adapters.fabric.profile import Choice, Timeouts
from rongtong.adapters.fabric.profile_reader import parse_profile, read_profile

ORG = Organisation("Org1MSP", "org1.example.com")
USER = ORG.members.issue("User1@org1.example.com")
CERTIFICATE, KEY = USER.certificate_pem.decode(), USER.key_pem.decode()
ROOTS = ORG.tls.pem.decode()


def _node(port, host="peer.example.com", **more):
    return {"url": f"grpcs://{host}:{port}", "tlsCACerts": {"pem": ROOTS}, **more}


@pytest.fixture
def document():
    """As the test network of Fabric's samples writes it, with a user as the Go SDK reads one."""
    return {
        "name": "test-network-org1",
        "version": "1.0.0",
        "client": {"organization": "Org1", "connection": {"timeout": {"peer": {"endorser": "300"}}}},
        "organizations": {
            "Org2": {"mspid": "Org2MSP", "peers": ["peer0.org2"]},
            "Org1": {
                "mspid": "Org1MSP",
                "peers": ["peer0.org1"],
                "users": {"User1": {"cert": {"pem": CERTIFICATE}, "key": {"pem": KEY}}},
            },
        },
        "channels": {
            "bills": {
                "orderers": ["orderer1", "orderer2"],
                "peers": {"peer0.org2": {"eventSource": False}, "peer0.org1": {"endorsingPeer": True}},
                "chaincodes": ["evidence:1.0"],
            }
        },
        "peers": {
            "peer0.org1": _node(7051, grpcOptions={"ssl-target-name-override": "peer0.org1.example.com"}),
            "peer0.org2": _node(9051),
        },
        "orderers": {"orderer1": _node(7050), "orderer2": _node(7052)},
    }


def _read(document, **choice):
    return parse_profile(json.dumps(document), Choice(**choice))


def test_yaml_and_json_say_the_same(document):
    assert parse_profile(yaml.safe_dump(document)) == parse_profile(json.dumps(document))


def test_channel_contract_and_member_are_the_profiles(document):
    profile = _read(document)
    assert (profile.channel, profile.chaincode, profile.msp_id) == ("bills", "evidence", "Org1MSP")


def test_the_members_own_peers_come_first(document):
    assert [peer.name for peer in _read(document).peers] == ["peer0.org1", "peer0.org2"]


def test_every_organisation_with_endorsing_peers_is_asked(document):
    document["channels"]["bills"]["peers"]["peer0.org2"]["endorsingPeer"] = False
    assert _read(document).organisations == ("Org1MSP",)


def test_a_peers_part_in_the_channel_is_kept(document):
    assert [peer.tells_events for peer in _read(document).peers] == [True, False]


def test_several_orderers_are_kept_in_their_order(document):
    assert [orderer.address for orderer in _read(document).orderers] == [
        "peer.example.com:7050",
        "peer.example.com:7052",
    ]


def test_without_channels_all_nodes_serve_the_channel_that_is_named(document):
    del document["channels"]
    profile = _read(document, channel="other", chaincode="notes")
    assert (profile.channel, profile.chaincode) == ("other", "notes")
    assert (len(profile.peers), len(profile.orderers)) == (2, 2)


def test_a_contract_of_which_nothing_is_said_is_evidence(document):
    del document["channels"]["bills"]["chaincodes"]
    assert _read(document).chaincode == "evidence"


def test_the_profiles_host_name_override_is_taken(document):
    assert [peer.host_name for peer in _read(document).peers] == ["peer0.org1.example.com", None]


def test_a_host_name_said_beside_the_profile_goes_before_it(document):
    peers = _read(document, host_names={"peer0.org1": "one", "*": "all"}).peers
    assert [peer.host_name for peer in peers] == ["one", "all"]


def test_timeouts_are_the_profiles_where_it_says_them(document):
    document["client"]["connection"]["timeout"] |= {"orderer": "20s"}
    assert _read(document).timeouts == Timeouts(endorse_s=300.0, order_s=20.0)


def test_a_timeout_that_cannot_be_read_is_the_usual(document):
    document["client"]["connection"]["timeout"]["orderer"] = "nan"
    assert _read(document).timeouts.order_s == Timeouts().order_s


@pytest.mark.parametrize("names", [("cert", "private_key"), ("signedCert", "adminPrivateKey")])
def test_a_users_certificate_and_key_may_be_paths_beside_the_profile(document, names, tmp_path):
    (tmp_path / "user.crt").write_text(CERTIFICATE)
    (tmp_path / "user.key").write_text(KEY)
    document["organizations"]["Org1"]["users"] = {"Admin": {names[0]: "user.crt", names[1]: "user.key"}}
    path = tmp_path / "network.json"
    path.write_text(json.dumps(document))
    profile = read_profile(path)
    assert (profile.certificate.read(), profile.key.read()) == (CERTIFICATE.encode(), KEY.encode())


def test_an_organisations_own_certificate_and_key_are_taken_where_it_has_no_users(document):
    organisation = document["organizations"]["Org1"]
    del organisation["users"]
    organisation |= {"signedCert": {"pem": CERTIFICATE}, "adminPrivateKey": {"pem": KEY}}
    assert _read(document).key.read().strip() == KEY.encode().strip()


def test_an_msp_folder_is_taken_as_fabric_ca_client_leaves_it(document, tmp_path):
    for folder, name, content in [("signcerts", "cert.pem", CERTIFICATE), ("keystore", "4d2a_sk", KEY)]:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(content)
    certificate, key = from_msp_folder(tmp_path)
    profile = _read(document, certificate=certificate, key=key)
    assert (profile.certificate.read(), profile.key.read()) == (CERTIFICATE.encode(), KEY.encode())


def test_tls_shows_its_own_certificate_where_there_is_one(document):
    client = ORG.tls.issue("client")
    pair = {"cert": {"pem": client.certificate_pem.decode()}, "key": {"pem": client.key_pem.decode()}}
    document["client"]["tlsCerts"] = {"client": pair}
    assert _read(document).tls_certificate.read().strip() == client.certificate_pem.strip()


def test_tls_shows_the_members_certificate_where_it_has_none_of_its_own(document):
    profile = _read(document)
    assert profile.tls_certificate == profile.certificate


def test_with_a_key_in_kms_tls_shows_no_certificate(document):
    document["organizations"]["Org1"]["users"]["User1"]["key"] = {"kms": "alias/chain"}
    profile = _read(document)
    assert (profile.key, profile.tls_key) == (PemSource("kms", "alias/chain"), None)


def test_a_peer_without_tls_has_no_roots(document):
    document["peers"]["peer0.org1"] = {"url": "grpc://peer.example.com:7051"}
    assert _read(document).peers[0].tls_roots is None


def test_several_roots_are_put_together(document):
    document["peers"]["peer0.org1"]["tlsCACerts"] = {"pem": [ROOTS, ROOTS]}
    assert _read(document).peers[0].tls_roots.count(b"BEGIN CERTIFICATE") == 2


def test_a_key_is_in_no_text_of_a_profile(document):
    assert "PRIVATE" not in repr(_read(document))


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        (lambda d: d.pop("organizations"), "organizations"),
        (lambda d: d["channels"].update(another={}), "2 channels; name one: bills, another"),
        (lambda d: d["channels"]["bills"].update(chaincodes=["a:1", "b:1"]), "2 chaincodes"),
        (lambda d: d["channels"]["bills"].update(orderers=["nobody"]), "nobody"),
        (lambda d: d["peers"]["peer0.org1"].update(url="https://x:1"), r"peers\.peer0\.org1\.url"),
        (lambda d: d["peers"]["peer0.org1"].update(url="grpcs://x:port"), r"peers\.peer0\.org1\.url"),
        (lambda d: d["peers"]["peer0.org1"].pop("tlsCACerts"), r"peer0\.org1\.tlsCACerts is empty"),
        (lambda d: d["peers"]["peer0.org1"].update(tlsCACerts={"path": "/none.pem"}), "No such file"),
        (lambda d: d["organizations"]["Org1"].pop("users"), "has no certificate and key"),
        (lambda d: d.update(peers=[]), "peers is no mapping"),
        (lambda d: (d.pop("channels"), d.update(peers={}, channel="bills")), "names no peers"),
    ],
)
def test_what_a_profile_lacks_is_named(document, break_it, told):
    break_it(document)
    with pytest.raises(ChainProfileError, match=told):
        _read(document)


@pytest.mark.parametrize(
    ("choice", "told"),
    [({"organisation": "Org9"}, "no organization Org9"), ({"user": "Nobody"}, "no user Nobody in Org1: User1")],
)
def test_what_is_chosen_and_not_there_is_named(document, choice, told):
    with pytest.raises(ChainProfileError, match=told):
        _read(document, **choice)


@pytest.mark.parametrize("text", ["[]", "a: b: c", "\x00", ""])
def test_what_is_no_profile_is_refused(text):
    with pytest.raises(ChainProfileError):
        parse_profile(text)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ChainProfileError, match=r"none\.yaml: No such file"):
        read_profile(tmp_path / "none.yaml")
