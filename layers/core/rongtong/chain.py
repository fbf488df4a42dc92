"""Put digests on a Fabric chain and ask for them: ``python -m rongtong.chain --profile connection.yaml append HEX…``.

The profile is Fabric's common connection profile. Every command may be stopped and run again: nothing is put twice.
Needs grpcio and hyperledger-fabric-protos beside the software's own requirements.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rongtong.domain.errors import InvalidInputError, RongTongError
from rongtong.services.ports import ChainConflictError, ChainEntry, ChainUnavailableError

if TYPE_CHECKING:
    from rongtong.adapters.fabric.chain import FabricChain
    from rongtong.adapters.fabric.outcomes import Outcome
    from rongtong.adapters.fabric.profile import Choice, Profile

_HEX = re.compile(r"[0-9a-fA-F]{64}")
_LABEL_WIDTH = 12


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when every entry is on the chain, the key has a value, or the network is ready; 1 when not.

    2 when nothing was sent: a wrong option, a profile or an identity that cannot be used.
    """
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    # gRPC's own lines about connections would stand between ours.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        return command(options)
    except ModuleNotFoundError as error:
        print(f"{error.name} is not installed; functions/chain/requirements.txt names it.", file=sys.stderr)
        return 2
    except RongTongError as error:
        print(f"{error.code}: {error.message}", file=sys.stderr)
        return 2 if isinstance(error, InvalidInputError) else 1
    except KeyboardInterrupt:
        print("\nInterrupted. Run it again: what is recorded is not recorded twice.", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m rongtong.chain", description="Put digests on a Hyperledger Fabric chain and ask for them."
    )
    _add_common(parser, None)
    # Said after the command's name they mean the same.
    common = argparse.ArgumentParser(add_help=False)
    _add_common(common, argparse.SUPPRESS)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    append = commands.add_parser("append", parents=[common], help="put each digest once, wait until it is committed")
    append.add_argument("digests", nargs="+", metavar="HEX", help="64 hexadecimal digits")
    append.add_argument("--value", metavar="TEXT", help="put this under one HEX (the digest itself if not said)")
    append.set_defaults(command=_append)
    get = commands.add_parser("get", parents=[common], help="print the value under a digest; 1 if there is none")
    get.add_argument("digest", metavar="HEX", help="64 hexadecimal digits")
    get.set_defaults(command=_get)
    status = commands.add_parser("status", parents=[common], help="say of every node whether it answers; 1 if too few")
    status.set_defaults(command=_status)
    return parser


def _add_common(parser: argparse.ArgumentParser, usual: str | None) -> None:
    def add(name: str, metavar: str | None, text: str, **more: object) -> None:
        parser.add_argument(name, metavar=metavar, help=text, default=usual, **more)  # type: ignore[arg-type]

    add("--profile", "FILE", "the network's connection profile, YAML or JSON", type=Path)
    add("--channel", "NAME", "the profile's only channel if not said")
    add("--chaincode", "NAME", "the channel's only contract, or evidence, if not said")
    add("--organisation", "NAME", "the profile's client organization if not said")
    add("--user", "NAME", "the organisation's first user if not said")
    add("--msp", "DIR", "the user's MSP folder (signcerts and keystore) instead of the profile's user", type=Path)
    add("--kms-key", "ID", "sign with this KMS key instead of the profile's")
    add(
        "--host-name-override", "[NODE=]HOST", "the host name in a node's certificate, or in every one", action="append"
    )
    add("--flow", None, "classic (Fabric 1.4 and later) or gateway (2.4 and later)", choices=("classic", "gateway"))
    add("--endorsements", "N", "of how many organisations; a majority if not said", type=_count)
    for name, what in (("endorse", "a peer's answer"), ("order", "an orderer's answer"), ("commit", "the commit")):
        add(f"--{name}-timeout", "SECONDS", f"for {what}; the profile's if not said", type=_seconds)


def _digest(text: str) -> str:
    if not _HEX.fullmatch(text):
        raise InvalidInputError(f"{text[:80]!r} is not 64 hexadecimal digits; nothing was sent.", code="CHAIN_KEY")
    return text.lower()


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("from 1")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:
        raise argparse.ArgumentTypeError("above 0, to 3600")
    return seconds


def _append(options: argparse.Namespace) -> int:
    if options.value is not None and len(options.digests) > 1:
        print("--value is for one HEX.", file=sys.stderr)
        return 2
    digests = dict.fromkeys(_digest(text) for text in options.digests)
    entries = [ChainEntry(digest, options.value or digest) for digest in digests]
    outcomes: list[Outcome] = []
    with _open(options) as chain:
        for outcome in chain.outcomes(entries):
            outcomes.append(outcome)
            print(f"  {len(outcomes)} of {len(entries)}  {outcome.entry.key}  {_became(outcome)}", flush=True)
    return _summary(outcomes)


def _became(outcome: Outcome) -> str:
    word = "already there" if outcome.already else "recorded"
    if outcome.receipt is not None:
        return f"{word}  block {outcome.receipt.block}  transaction {outcome.receipt.transaction_id}"
    if outcome.already:
        return f"{word}  its transaction was not found"
    return outcome.error.code if outcome.error else "unknown"


def _summary(outcomes: Sequence[Outcome]) -> int:
    failed = [outcome for outcome in outcomes if outcome.receipt is None and not outcome.already]
    already = sum(outcome.already for outcome in outcomes)
    told = [(len(outcomes) - len(failed) - already, "recorded"), (already, "already there"), (len(failed), "failed")]
    print(", ".join(f"{count} {word}" for count, word in told if count) + ".")
    for outcome in failed:
        if outcome.error is not None:
            print(f"{outcome.error.code}: {outcome.error.message}", file=sys.stderr)
    if any(isinstance(outcome.error, ChainUnavailableError) for outcome in failed):
        print("Run it again: what is recorded by then is not recorded twice.", file=sys.stderr)
    if any(isinstance(outcome.error, ChainConflictError) for outcome in failed):
        print("What is on the chain cannot be changed; see it with get.", file=sys.stderr)
    return 1 if failed else 0


def _get(options: argparse.Namespace) -> int:
    digest = _digest(options.digest)
    with _open(options) as chain:
        value = chain.get(digest)
    if value is None:
        print(f"{digest} is not on the chain.", file=sys.stderr)
        return 1
    shown = "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in value)
    print(shown, end="" if shown.endswith("\n") else "\n")
    return 0


def _status(options: argparse.Namespace) -> int:
    with _open(options) as chain:
        from rongtong.adapters.fabric.health import NodeHealth, health

        profile, needed = chain.profile, _needed(options, chain.profile)
        certificate = chain.peers.identity.certificate
        found = health(chain, needed)
    subject = certificate.subject.rfc4514_string()
    _line("signs as", f"{profile.msp_id}  {subject}  until {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC")
    _line("channel", f"{profile.channel}  contract {profile.chaincode}  flow {options.flow or 'classic'}")
    _line("endorsed by", f"{needed} of {len(profile.organisations)} organisations")

    def told(one: NodeHealth) -> str:
        if one.fault is not None:
            return one.fault
        return f"{one.height.blocks} blocks  last {one.height.last_hash[:16]}" if one.height else "answers"

    for peer in found.peers:
        _line("peer", f"{peer.node.name}  {peer.node.organisation or '-'}  {told(peer)}")
    for orderer in found.orderers:
        _line("orderer", f"{orderer.node.name}  {told(orderer)}")
    problems = list(found.problems())
    print(f"Not ready: {'; '.join(problems)}." if problems else "Ready.")
    return 1 if problems else 0


def _line(label: str, text: str) -> None:
    print(f"{label:<{_LABEL_WIDTH}}{text}")


def _open(options: argparse.Namespace) -> FabricChain:
    if options.profile is None:
        raise InvalidInputError("Name --profile, the network's connection profile.", code="CHAIN_PROFILE")
    from rongtong.adapters.fabric.chain import open_chain
    from rongtong.adapters.fabric.profile_reader import read_profile

    profile = _with_timeouts(read_profile(options.profile, _choice(options)), options)
    return open_chain(profile, flow=options.flow or "classic", endorsements=_needed(options, profile))


def _needed(options: argparse.Namespace, profile: Profile) -> int:
    count = len(profile.organisations)
    needed = options.endorsements or count // 2 + 1
    if needed > count:
        raise InvalidInputError(
            f"{needed} endorsements, but the profile names peers of {count} organisations.", code="CHAIN_PROFILE"
        )
    return int(needed)


def _with_timeouts(profile: Profile, options: argparse.Namespace) -> Profile:
    from dataclasses import replace

    said = {f"{name}_s": getattr(options, f"{name}_timeout") for name in ("endorse", "order", "commit")}
    return replace(
        profile, timeouts=replace(profile.timeouts, **{name: value for name, value in said.items() if value})
    )


def _choice(options: argparse.Namespace) -> Choice:
    from rongtong.adapters.fabric.pem import PemSource, from_msp_folder
    from rongtong.adapters.fabric.profile import Choice

    certificate, key = from_msp_folder(options.msp) if options.msp else (None, None)
    if options.kms_key:
        key = PemSource("kms", options.kms_key)
    hosts = dict(_host(text) for text in options.host_name_override or ())
    return Choice(
        channel=options.channel,
        chaincode=options.chaincode,
        organisation=options.organisation,
        user=options.user,
        certificate=certificate,
        key=key,
        host_names=hosts,
    )


def _host(text: str) -> tuple[str, str]:
    node, is_said, host = text.rpartition("=")
    return (node, host) if is_said else ("*", text)


if __name__ == "__main__":
    sys.exit(main())
