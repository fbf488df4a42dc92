"""Fabric's common connection profile (YAML or JSON), as the SDKs read it: who the network is and who asks.

Where the SDKs differ, every form is taken: a PEM inline or by path, ``users`` with ``key`` or ``private_key``,
``adminPrivateKey`` with ``signedCert``. Beside a path, a PEM may come from Secrets Manager (``secret: name``), and a
signing key may stay in KMS (``kms: key id``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rongtong.adapters.fabric.outcomes import ChainProfileError
from rongtong.adapters.fabric.pem import PemSource, listed, pem_source
from rongtong.adapters.fabric.profile import Choice, Node, Profile, Timeouts

_CHAINCODE = "evidence"
_CERTIFICATE_KEYS = ("cert", "certificate", "signedCert", "clientCert")
_PRIVATE_KEYS = ("key", "private_key", "privateKey", "adminPrivateKey", "clientKey")


def read_profile(path: Path, choice: Choice | None = None) -> Profile:
    """Raises ChainProfileError when the file cannot be read or does not say what is needed."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ChainProfileError(f"{path}: {getattr(error, 'strerror', None) or 'not a text file'}") from error
    try:
        return parse_profile(text, choice, folder=path.parent)
    except ChainProfileError as error:
        raise ChainProfileError(f"{path}: {error.message}") from error


def parse_profile(text: str, choice: Choice | None = None, *, folder: Path | None = None) -> Profile:
    """Relative paths are looked for beside the profile (``folder``) first, then where the process runs.

    Raises ChainProfileError.
    """
    return _Reader(_document(text), choice or Choice(), folder or Path()).profile()


def _document(text: str) -> Mapping[str, Any]:
    try:
        document = json.loads(text)
    except ValueError:
        document = _yaml(text)
    if not isinstance(document, Mapping):
        raise ChainProfileError("is no connection profile: a mapping with organizations, peers and orderers.")
    return document


def _yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        place = f", line {where.line + 1}" if where else ""
        raise ChainProfileError(f"is neither JSON nor YAML{place}.") from error


class _Reader:
    """One profile's document with what was chosen beside it."""

    def __init__(self, document: Mapping[str, Any], choice: Choice, folder: Path) -> None:
        self._document = document
        self._choice = choice
        self._folder = folder
        self._client = _mapping(document, "client")
        self._organisations = _mapping(document, "organizations")

    def profile(self) -> Profile:
        name = self._organisation()
        organisation = _mapping(self._organisations, name)
        msp_id = str(organisation.get("mspid") or organisation.get("mspId") or name)
        channel, described = self._channel()
        certificate, key = self._identity(name, organisation)
        tls_certificate, tls_key = self._tls_identity(certificate, key)
        peers = self._peers(described)
        orderers = self._nodes("orderers", listed(described.get("orderers")))
        if not peers:
            raise ChainProfileError("names no peers.")
        return Profile(
            channel,
            self._chaincode(described),
            msp_id,
            tuple(sorted(peers, key=lambda peer: peer.organisation != msp_id)),
            tuple(orderers),
            certificate,
            key,
            tls_certificate,
            tls_key,
            self._timeouts(),
        )

    def _organisation(self) -> str:
        if not self._organisations:
            raise ChainProfileError("names no organizations.")
        wanted = self._choice.organisation
        if wanted is not None:
            if wanted in self._organisations:
                return wanted
            for name, organisation in self._organisations.items():
                if isinstance(organisation, Mapping) and organisation.get("mspid") == wanted:
                    return str(name)
            raise ChainProfileError(f"has no organization {wanted}, but {', '.join(map(str, self._organisations))}.")
        said = self._client.get("organization")
        if said in self._organisations:
            return str(said)
        for name, organisation in self._organisations.items():
            if isinstance(organisation, Mapping) and organisation.get("peers"):
                return str(name)
        return str(next(iter(self._organisations)))

    def _channel(self) -> tuple[str, Mapping[str, Any]]:
        channels = _mapping(self._document, "channels")
        wanted = self._choice.channel or self._document.get("channel") or self._client.get("channel")
        if wanted is not None:
            return str(wanted), _mapping(channels, str(wanted))
        if len(channels) != 1:
            raise ChainProfileError(
                f"describes {len(channels) or 'no'} channels; name one{': ' if channels else ''}"
                f"{', '.join(map(str, channels))}."
            )
        name = str(next(iter(channels)))
        return name, _mapping(channels, name)

    def _chaincode(self, channel: Mapping[str, Any]) -> str:
        if self._choice.chaincode:
            return self._choice.chaincode
        said = self._document.get("chaincode") or self._client.get("chaincode") or channel.get("chaincodes")
        names = [str(one).partition(":")[0] for one in listed(said)]
        if len(names) > 1 and _CHAINCODE not in names:
            raise ChainProfileError(f"names {len(names)} chaincodes; say which: {', '.join(names)}.")
        return names[0] if len(names) == 1 else _CHAINCODE

    def _identity(self, name: str, organisation: Mapping[str, Any]) -> tuple[PemSource, PemSource]:
        if self._choice.certificate and self._choice.key:
            return self._choice.certificate, self._choice.key
        users = _mapping(organisation, "users")
        wanted = self._choice.user
        if wanted is not None and wanted not in users:
            raise ChainProfileError(f"has no user {wanted} in {name}: {', '.join(map(str, users)) or 'it has none'}.")
        if users:
            place = f"organizations.{name}.users.{wanted or next(iter(users))}"
            user = _mapping(users, wanted or str(next(iter(users))))
        else:
            place, user = f"organizations.{name}", {**self._client, **organisation}
        certificate, key = self._pem(user, _CERTIFICATE_KEYS), self._pem(user, _PRIVATE_KEYS)
        certificate, key = self._choice.certificate or certificate, self._choice.key or key
        if certificate is None or key is None:
            pair = self._tls_pair()
            if pair and not users:
                return pair
            raise ChainProfileError(f"{place} has no certificate and key; name them, or an MSP folder.")
        return certificate, key

    def _tls_pair(self) -> tuple[PemSource, PemSource] | None:
        pair = _mapping(_mapping(self._client, "tlsCerts"), "client")
        certificate, key = self._pem(pair, ("cert", "certfile")), self._pem(pair, ("key", "keyfile"))
        return (certificate, key) if certificate and key else None

    def _tls_identity(self, certificate: PemSource, key: PemSource) -> tuple[PemSource | None, PemSource | None]:
        """A server that asks for no certificate never sees it; so where TLS has no pair of its own, the member's."""
        pair = self._tls_pair()
        if pair:
            return pair
        return (None, None) if key.kind == "kms" else (certificate, key)

    def _pem(self, holder: Mapping[str, Any], names: Sequence[str]) -> PemSource | None:
        for name in names:
            if holder.get(name):
                return pem_source(holder[name], self._folder, name)
        return None

    def _peers(self, channel: Mapping[str, Any]) -> list[Node]:
        roles = channel.get("peers")
        roles = roles if isinstance(roles, Mapping) else {name: {} for name in listed(roles)}
        peers = self._nodes("peers", [str(name) for name in roles])
        for at, peer in enumerate(peers):
            role = roles.get(peer.name) or {}
            peers[at] = replace(
                peer,
                organisation=self._owner(peer.name),
                endorses=bool(role.get("endorsingPeer", True)),
                tells_events=bool(role.get("eventSource", True)),
            )
        return peers

    def _owner(self, peer: str) -> str:
        for name, organisation in self._organisations.items():
            if isinstance(organisation, Mapping) and peer in listed(organisation.get("peers")):
                return str(organisation.get("mspid") or name)
        return ""

    def _nodes(self, kind: str, names: Sequence[str]) -> list[Node]:
        """Those that the channel names, or all."""
        described = _mapping(self._document, kind)
        for name in names:
            if name not in described:
                raise ChainProfileError(f"has no {name} under {kind}.")
        return [self._node(kind, str(name), _mapping(described, str(name))) for name in names or described]

    def _node(self, kind: str, name: str, node: Mapping[str, Any]) -> Node:
        url = str(node.get("url") or "")
        scheme, _, rest = url.rpartition("://")
        try:
            where = urlsplit(f"//{rest}")
            if scheme not in ("", "grpc", "grpcs") or not where.hostname or not where.port:
                raise ValueError(url)
        except ValueError as error:
            raise ChainProfileError(f"{kind}.{name}.url is not like grpcs://host:port.") from error
        roots = None
        if scheme == "grpcs" or (not scheme and node.get("tlsCACerts")):
            source = pem_source(node.get("tlsCACerts") or "", self._folder, f"{kind}.{name}.tlsCACerts")
            roots = source.read()
        options = _mapping(node, "grpcOptions")
        said = options.get("ssl-target-name-override") or options.get("hostnameOverride")
        chosen = self._choice.host_names.get(name) or self._choice.host_names.get("*") or said
        passed = tuple((key, value) for key, value in options.items() if str(key).startswith("grpc."))
        return Node(name, rest, roots, str(chosen) if chosen else None, options=passed)

    def _timeouts(self) -> Timeouts:
        told = _mapping(_mapping(self._client, "connection"), "timeout")
        peer = _mapping(told, "peer")
        usual = Timeouts()
        return Timeouts(
            _seconds(peer.get("endorser"), usual.endorse_s),
            _seconds(told.get("orderer"), usual.order_s),
            _seconds(peer.get("eventHub") or peer.get("eventReg"), usual.commit_s),
        )


def _mapping(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = holder.get(name)
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise ChainProfileError(f"{name} is no mapping.")
    return found


def _seconds(said: object, usual: float) -> float:
    """Number, digits or Go's ``10s``; what cannot be read, or is not above zero, is as if it were not there."""
    try:
        seconds = float(str(said).removesuffix("s"))
    except ValueError:
        return usual
    return seconds if 0 < seconds < float("inf") else usual
