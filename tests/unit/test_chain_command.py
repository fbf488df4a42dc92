"""The operators' command against the stand-in network."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from fabric_network import FabricNetwork
from rongtong import chain
from rongtong.chain import main

ONE, TWO, THREE = "a" * 64, "b" * 64, "c" * 64


@pytest.fixture
def network():
    with FabricNetwork() as running:
        yield running


@pytest.fixture
def run(network, tmp_path, capsys):
    """The exit code, what was printed and what was complained of."""
    profile = network.profile(tmp_path)

    def command(*arguments):
        code = main(["--profile", str(profile), *arguments])
        told = capsys.readouterr()
        return code, told.out, told.err

    return command


def test_append_tells_of_each_digest_and_how_many_are_recorded(run, network):
    code, out, _ = run("append", ONE, TWO)
    lines = out.splitlines()
    network.settle()
    ids = {at: one for one, at in network.peers[0].ledger.transactions.items()}
    assert code == 0
    assert lines[0].startswith(f"  1 of 2  {ONE}  recorded  block ")
    assert lines[1].startswith(f"  2 of 2  {TWO}  recorded  block ")
    assert {line.split()[-1] for line in lines[:2]} == set(ids.values())
    assert lines[2] == "2 recorded."


def test_a_digest_that_is_there_is_told_so_and_is_success(run, network):
    run("append", ONE)
    code, out, _ = run("append", ONE, TWO)
    assert code == 0
    assert f"1 of 2  {ONE}  already there  block 1  transaction " in out
    assert out.endswith("1 recorded, 1 already there.\n")


def test_another_value_is_an_error_with_its_own_code(run):
    run("append", ONE)
    code, out, err = run("append", ONE, "--value", "another")
    assert code == 1
    assert out.endswith("1 failed.\n")
    assert err.startswith(f"CHAIN_CONFLICT: Another value is on the chain under {ONE}.")


def test_the_rest_is_recorded_where_one_digest_fails(run):
    run("append", ONE, "--value", "another")
    code, out, _ = run("append", ONE, TWO)
    assert (code, out.splitlines()[-1]) == (1, "1 recorded, 1 failed.")


def test_get_prints_the_value_alone(run):
    run("append", ONE, "--value", "leaf 7")
    assert run("get", ONE) == (0, "leaf 7\n", "")


def test_the_value_is_the_digest_where_none_is_said(run):
    run("append", ONE)
    assert run("get", ONE) == (0, f"{ONE}\n", "")


def test_get_of_what_is_not_there_is_told_and_fails(run):
    assert run("get", ONE) == (1, "", f"{ONE} is not on the chain.\n")


def test_capital_digits_are_the_same_digest(run):
    run("append", ONE.upper())
    assert run("get", ONE)[0] == 0


@pytest.mark.parametrize("command", ["append", "get"])
@pytest.mark.parametrize("digest", ["zz", "a" * 63, "a" * 65, "g" * 64, ""])
def test_what_is_no_digest_is_refused_on_one_line_before_anything_is_sent(run, network, command, digest):
    arguments = (command, digest) if command == "get" else (command, ONE, digest)
    code, out, err = run(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("CHAIN_KEY: ")
    assert network.height() == 1


def test_a_value_for_several_digests_is_refused(run, network):
    code, _, err = run("append", ONE, TWO, "--value", "x")
    assert (code, network.height()) == (2, 1)
    assert "--value" in err


def test_status_of_a_whole_network_is_ready(run):
    code, out, _ = run("status")
    assert code == 0
    assert out.splitlines()[0].startswith("signs as    Org1MSP  CN=User1@org1.example.com  until ")
    assert out.count("1 blocks  last ") == 3
    assert out.count("answers") == 3
    assert out.endswith("Ready.\n")


def test_status_names_who_does_not_answer_and_is_ready_with_the_rest(run, network):
    network.peers[2].stop()
    network.orderers[0].stop()
    code, out, _ = run("status")
    lines = {line.split()[1]: line for line in out.splitlines() if line.startswith(("peer", "orderer"))}
    assert code == 0
    assert "UNAVAILABLE" in lines["peer0.org3.example.com"]
    assert "UNAVAILABLE" in lines["orderer1.example.com"]


def test_status_is_not_ready_with_two_of_three_peers_stopped(run, network):
    network.peers[1].stop()
    network.peers[2].stop()
    code, out, _ = run("status")
    assert code == 1
    assert out.endswith("Not ready: peers of 1 organisations answer, of 2 they must.\n")


def test_status_is_not_ready_without_an_orderer(run, network):
    for orderer in network.orderers:
        orderer.stop()
    code, out, _ = run("status")
    assert (code, out.splitlines()[-1]) == (1, "Not ready: no orderer answers.")


def test_status_tells_of_peers_that_do_not_hold_the_same_blocks(run, network):
    network.peers[1].ledger.blocks[0].header.data_hash = b"another"
    code, out, _ = run("status")
    assert (code, out.splitlines()[-1]) == (1, "Not ready: peers with 1 blocks do not hold the same last block.")


def test_an_unreachable_network_says_that_it_can_be_run_again(run, network):
    network.peers[1].stop()
    network.peers[2].stop()
    code, _, err = run("append", ONE)
    assert code == 1
    assert err.startswith("CHAIN_UNAVAILABLE: 1 of 3 organisations answer, 2 must.")
    assert err.endswith("Run it again: what is recorded by then is not recorded twice.\n")


def test_an_unregistered_key_is_refused_in_both_directions(run, network):
    network.organisations[0].revoked.add(network.users["Org1MSP"].certificate.serial_number)
    appended, asked = run("append", ONE), run("get", ONE)
    assert (appended[0], asked[0]) == (1, 1)
    assert (appended[2][:14], asked[2][:14]) == ("CHAIN_REFUSED:", "CHAIN_REFUSED:")


def test_the_gateway_flow_is_an_option(run, network):
    assert run("append", ONE, "--flow", "gateway")[0] == 0
    assert network.codes() == ["VALID"]


def test_options_may_stand_before_the_command_or_behind_it(run):
    assert run("--channel", "bills", "get", ONE, "--chaincode", "evidence")[0] == 1


def test_another_contract_is_asked_where_one_is_named(run):
    code, _, err = run("get", ONE, "--chaincode", "nothing")
    assert code == 1
    assert "nothing has been successfully defined" in err


def test_as_many_endorsements_are_gathered_as_asked_for(run, network):
    network.peers[2].stop()
    code, _, err = run("append", ONE, "--endorsements", "3")
    assert (code, err[:50]) == (1, "CHAIN_UNAVAILABLE: 2 of 3 organisations answer, 3 ")


def test_more_endorsements_than_organisations_are_refused(run):
    code, _, err = run("append", ONE, "--endorsements", "4")
    assert (code, err) == (2, "CHAIN_PROFILE: 4 endorsements, but the profile names peers of 3 organisations.\n")


def test_a_commit_that_takes_too_long_is_told(run, network):
    network.ordering.hold()
    code, _, err = run("append", ONE, "--commit-timeout", "0.2")
    assert code == 1
    assert "not committed within 0.2 s" in err


def test_a_host_name_override_is_used_for_the_node_that_it_names(run):
    code, out, _ = run("status", "--host-name-override", "peer0.org2.example.com=wrong.example.com")
    faults = [line.split()[1] for line in out.splitlines() if "UNAVAILABLE" in line]
    assert (code, faults) == (0, ["peer0.org2.example.com"])


def test_an_msp_folder_signs_instead_of_the_profiles_user(run, network, tmp_path):
    user = network.organisations[0].members.issue("Notary@org1.example.com")
    for folder, content in [("signcerts", user.certificate_pem), ("keystore", user.key_pem)]:
        (tmp_path / "msp" / folder).mkdir(parents=True)
        (tmp_path / "msp" / folder / "one.pem").write_bytes(content)
    _, out, _ = run("status", "--msp", str(tmp_path / "msp"))
    assert "CN=Notary@org1.example.com" in out.splitlines()[0]


@pytest.mark.parametrize("arguments", [["status"], ["--profile", "/none.yaml", "status"]])
def test_without_a_profile_nothing_is_done(arguments, capsys):
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("CHAIN_PROFILE: ")


def test_a_user_that_the_profile_does_not_have_is_named(run):
    code, _, err = run("status", "--user", "Nobody")
    assert (code, "no user Nobody in Org1: User1" in err) == (2, True)


def test_a_json_profile_serves_as_well(network, tmp_path, capsys):
    path = tmp_path / "connection.json"
    path.write_text(__import__("json").dumps(network.described()))
    assert main(["--profile", str(path), "append", ONE]) == 0


def test_an_interruption_says_that_it_can_be_run_again(run, monkeypatch):
    def interrupted(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(chain, "_open", interrupted)
    code, _, err = run("append", ONE)
    assert (code, "Run it again" in err) == (1, True)


def test_the_command_runs_as_a_process_and_prints_nothing_but_its_own(network, tmp_path):
    network.peers[2].stop()
    profile = network.profile(tmp_path)
    layer = str(Path(chain.__file__).parents[1])
    process = subprocess.run(
        [sys.executable, "-m", "rongtong.chain", "--profile", str(profile), "append", ONE],
        env={"PYTHONPATH": layer, "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout.endswith("1 recorded.\n")


def test_nothing_of_fabric_is_loaded_before_it_is_needed():
    layer = str(Path(chain.__file__).parents[1])
    script = "import sys, rongtong.chain; sys.exit(any(name.startswith(('grpc', 'fabric')) for name in sys.modules))"
    process = subprocess.run([sys.executable, "-c", script], env={"PYTHONPATH": layer}, timeout=60, check=False)
    assert process.returncode == 0


def test_yaml_and_private_keys_stay_out_of_messages(network, tmp_path, capsys):
    document = network.described()
    document["organizations"]["Org1"]["users"]["User1"]["cert"]["pem"] = "-----BEGIN nonsense"
    path = tmp_path / "connection.yaml"
    path.write_text(yaml.safe_dump(document))
    assert main(["--profile", str(path), "append", ONE]) == 2
    err = capsys.readouterr().err
    assert ("PRIVATE" in err, err.count("\n")) == (False, 1)
