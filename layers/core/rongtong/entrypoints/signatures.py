"""Who signed an HTTP request (RFC 9421), for the API's authorizer."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import http_sf
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    InvalidSignature,
)
from http_message_signatures.algorithms import ED25519

from rongtong.services.records import STATE, partner_pk
from rongtong.services.storage import Store

MAX_AGE = timedelta(minutes=5)
_REQUIRED = ("@method", "@authority", "@path")
_COVERED_IF_SENT = ("content-digest", "idempotency-key")


class SignatureError(Exception):
    """The request is not signed by a key we know."""


class SignatureTooOldError(Exception):
    """The signature is right, but was made too long ago."""


@dataclass(frozen=True)
class SignedRequest:
    """An HTTP request as http-message-signatures reads it."""

    method: str
    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Signer:
    """Whose key signed."""

    partner_id: str
    role: str
    key_id: str = ""
    signed: str = ""
    """The signature base (RFC 9421 section 2.5): what the signature is over."""
    signature: str = ""
    """The signature, base64."""


class _PartnerKeys(HTTPSignatureKeyResolver):
    """Keys named ``<partner id>#<number>``, from the partners' records."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.signer: Signer | None = None
        """Whose key was resolved last."""

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey:
        partner_id, _, number = key_id.partition("#")
        item = self._store.get(partner_pk(partner_id), STATE)
        keys = {} if item is None else item.body["keys"]
        if number not in keys:
            raise InvalidSignature("No such key.")
        assert item is not None, "a partner without a record has no keys"
        self.signer = Signer(partner_id, str(item.body["role"]))
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(keys[number]))

    def resolve_private_key(self, key_id: str) -> Any:
        raise InvalidSignature(f"Nothing is signed here, not with {key_id} either.")


def signed_request(event: Mapping[str, Any], prefix: str) -> SignedRequest:
    """The request of an API Gateway authorizer event. ``prefix`` stands before the path where the event has none.

    API Gateway's own ``requestContext.path`` holds the stage; the prefix may name ``{apiId}`` and ``{stage}``.
    """
    headers = {name.lower(): str(value) for name, value in (event.get("headers") or {}).items()}
    about = event["requestContext"]
    path = about.get("path") or prefix.format(apiId=about["apiId"], stage=about["stage"]) + event["path"]
    pairs = [(k, v) for k, values in (event.get("multiValueQueryStringParameters") or {}).items() for v in values]
    query = f"?{urlencode(pairs)}" if pairs else ""
    return SignedRequest(str(event["httpMethod"]), f"https://{headers.get('host', '')}{path}{query}", headers)


def signer_of(store: Store, request: SignedRequest) -> Signer:
    """Who signed method, authority, path, query, body digest and idempotency key, within the last five minutes.

    Raises SignatureError, or SignatureTooOldError for a right signature outside the window.
    """
    keys = _PartnerKeys(store)
    verifier = HTTPMessageVerifier(signature_algorithm=ED25519, key_resolver=keys)
    required = [*_REQUIRED]
    if "?" in request.url:
        required.append("@query")
    required += [name for name in _COVERED_IF_SENT if name in request.headers]
    try:
        (result,) = verifier.verify(request, max_age=None, require_components=required)
    except (HTTPMessageSignaturesException, ValueError) as error:
        raise SignatureError(str(error)) from error
    if "created" not in result.parameters:
        raise SignatureError("The signature has no date.")
    created = datetime.fromtimestamp(int(result.parameters["created"]), UTC)
    if datetime.now(UTC) - created > MAX_AGE:
        raise SignatureTooOldError
    assert keys.signer is not None, "a signature verified with a key that was resolved"
    base = "\n".join(f"{name}: {value}" for name, value in result.covered_components.items())
    sent: Any = http_sf.parse(request.headers["signature"].encode(), tltype="dictionary")
    signature = b64encode(sent[result.label][0]).decode()
    return replace(keys.signer, key_id=str(result.parameters["keyid"]), signed=base, signature=signature)
