"""Who signed an HTTP request (RFC 9421), for the API's authorizer."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import http_sf
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    HTTPSignatureAlgorithm,
    HTTPSignatureKeyResolver,
    InvalidSignature,
    VerifyResult,
)
from http_message_signatures.algorithms import ECDSA_P256_SHA256, ED25519, RSA_PSS_SHA512

from rongtong.domain.access import AccessRecordError, Algorithm, Key, Refusal, Tenant, judge
from rongtong.services.access import KeyHolder, Nonces, key_holder
from rongtong.services.storage import Store

if TYPE_CHECKING:
    from rongtong.domain.access import PublicKey

MAX_AGE = timedelta(minutes=5)
MAX_AHEAD = timedelta(minutes=1)
"""How far the signer's clock may be before the platform's."""
NONCE_LENGTHS = range(8, 129)
_KEY_ID_LENGTH_MAX = 128
"""A caller's id of 64 characters, # and a number of 32 are the longest; by far longer ones the store fails."""
_PLAIN_IN_QUERIES = "!$'()*,/:;?@"
"""What RFC 3986 (section 3.4) lets stand in a query, but for what separates parameters and stands for a space."""
_REQUIRED = ("@method", "@authority", "@path")
_COVERED_IF_SENT = ("content-digest", "idempotency-key", "if-match")
_ALGORITHMS: Mapping[Algorithm, type[HTTPSignatureAlgorithm]] = {
    Algorithm.ED25519: ED25519,
    Algorithm.ECDSA_P256: ECDSA_P256_SHA256,
    Algorithm.RSA_PSS: RSA_PSS_SHA512,
}


class SignatureError(Exception):
    """The request is not signed by a key we know."""


class SignatureRefusedError(Exception):
    """The signature is right, and is not taken all the same."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


@dataclass(frozen=True)
class SignedRequest:
    """An HTTP request as http-message-signatures reads it."""

    method: str
    url: str
    headers: Mapping[str, str]
    other_urls: tuple[str, ...] = ()
    """Other ways to write the same parameters: a gateway tells them decoded, the signer signed them as it sent them."""


@dataclass(frozen=True)
class Signer:
    """Whose key signed, and what."""

    tenant: Tenant
    key: Key
    key_id: str
    signed: str
    """The signature base (RFC 9421 section 2.5): what the signature is over."""
    signature: str
    """The signature, base64."""


class _TheKey(HTTPSignatureKeyResolver):
    """The one key that was found already."""

    def __init__(self, key: PublicKey) -> None:
        self._key = key

    def resolve_public_key(self, key_id: str) -> PublicKey:  # noqa: ARG002 it was found by this very name
        return self._key

    def resolve_private_key(self, key_id: str) -> Any:
        raise InvalidSignature(f"Nothing is signed here, not with {key_id} either.")


class _Verifier(HTTPMessageVerifier):
    """Leaves dates to ``_require_timely``, which is told the time and tells a late signature from a wrong one."""

    def validate_created_and_expires(self, sig_input: Any, max_age: timedelta | None = None) -> None:
        pass


def signed_request(event: Mapping[str, Any], prefix: str) -> SignedRequest:
    """The request of an API Gateway authorizer event. ``prefix`` stands before the path where the event has none.

    API Gateway's own ``requestContext.path`` holds the stage; the prefix may name ``{apiId}`` and ``{stage}``.
    """
    headers = {name.lower(): str(value) for name, value in (event.get("headers") or {}).items()}
    about = event["requestContext"]
    path = about.get("path") or prefix.format(apiId=about["apiId"], stage=about["stage"]) + event["path"]
    pairs = [(k, v) for k, values in (event.get("multiValueQueryStringParameters") or {}).items() for v in values]
    first, *others = [f"https://{headers.get('host', '')}{path}{query}" for query in _queries(pairs)]
    return SignedRequest(str(event["httpMethod"]), first, headers, tuple(others))


def _queries(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """The ways in which clients write these parameters: in a form's encoding, or with what a query need not escape."""
    if not pairs:
        return [""]
    orders = (pairs, sorted(pairs, key=lambda pair: pair[0]))
    written = [
        f"?{form}"
        for order in orders
        for form in (
            urlencode(order),
            urlencode(order, quote_via=quote, safe=""),
            urlencode(order, quote_via=quote, safe=_PLAIN_IN_QUERIES),
        )
    ]
    return list(dict.fromkeys(written))


def signer_of(store: Store, nonces: Nonces, request: SignedRequest, *, address: str, now: datetime) -> Signer:
    """Who signed method, authority, path, query, body digest and idempotency key, just now and for this one time.

    The algorithm is that of the key's record, whatever the request says of it. ``address`` is where the request came
    from. The nonce is used up only by a request that is taken otherwise.

    Raises SignatureError; SignatureRefusedError for a right signature outside the clock's window, with a key that does
    not count now, from an address that is not allowed, or with a nonce that was used.
    """
    holder = _holder(store, _key_id(request.headers))
    verifier = _Verifier(
        signature_algorithm=_ALGORITHMS[holder.key.algorithm], key_resolver=_TheKey(holder.key.public_key)
    )
    required = [*_REQUIRED]
    if "?" in request.url:
        required.append("@query")
    required += [name for name in _COVERED_IF_SENT if name in request.headers]
    result = _verified(verifier, request, required)
    parameters: Mapping[str, Any] = result.parameters
    if "created" not in parameters:
        raise SignatureError("The signature has no date.")
    nonce = parameters.get("nonce", "")
    if len(nonce) not in NONCE_LENGTHS:
        raise SignatureError("The signature has no nonce of 8 to 128 characters.")
    _require_timely(parameters, now)
    refusal = judge(holder.tenant, holder.key, now=now, address=address)
    if refusal is not None:
        raise SignatureRefusedError(refusal)
    key_id = str(parameters["keyid"])
    if not nonces.take(key_id, nonce, now + MAX_AGE + 2 * MAX_AHEAD):
        raise SignatureRefusedError(Refusal.SIGNATURE_REPLAYED)
    base = "\n".join(f"{name}: {value}" for name, value in result.covered_components.items())
    sent: Any = http_sf.parse(request.headers["signature"].encode(), tltype="dictionary")
    signature = b64encode(sent[result.label][0]).decode()
    return Signer(holder.tenant, holder.key, key_id, base, signature)


def _verified(verifier: _Verifier, request: SignedRequest, required: Sequence[str]) -> VerifyResult:
    """The one signature, over the request as one of its URLs writes it. Raises SignatureError."""
    failed = ""
    for url in (request.url, *request.other_urls):
        try:
            (result,) = verifier.verify(replace(request, url=url), max_age=None, require_components=required)
        except (HTTPMessageSignaturesException, ValueError) as error:
            failed = failed or str(error)
        else:
            found: VerifyResult = result
            return found
    raise SignatureError(failed)


def named_key(request: SignedRequest) -> str:
    """The key that the request says has signed it, whether or not it has; nothing where it names none."""
    try:
        return _key_id(request.headers)
    except SignatureError:
        return ""


def _key_id(headers: Mapping[str, str]) -> str:
    """The key that the request's only signature names. Raises SignatureError."""
    try:
        sent: Any = http_sf.parse(headers.get("signature-input", "").encode(), tltype="dictionary")
        ((_, parameters),) = sent.values()
        key_id = parameters["keyid"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SignatureError("There is no one signature that names its key.") from error
    if not isinstance(key_id, str) or len(key_id) > _KEY_ID_LENGTH_MAX:
        raise SignatureError("The key's name is no string, or longer than any key's.")
    return key_id


def _holder(store: Store, key_id: str) -> KeyHolder:
    try:
        holder = key_holder(store, key_id)
    except AccessRecordError as error:
        raise SignatureError(f"The record of {key_id} cannot be read: {error.message}") from error
    if holder is None:
        raise SignatureError("No such key.")
    return holder


def _require_timely(parameters: Mapping[str, Any], now: datetime) -> None:
    """Raises SignatureError for dates that are none, SignatureRefusedError outside the window or after ``expires``."""
    try:
        created = datetime.fromtimestamp(parameters["created"], UTC)
        expires = datetime.fromtimestamp(parameters["expires"], UTC) if "expires" in parameters else None
    except (ValueError, OverflowError, OSError, TypeError) as error:
        raise SignatureError("A date of the signature is none.") from error
    if now - created > MAX_AGE:
        raise SignatureRefusedError(Refusal.SIGNATURE_TOO_OLD)
    if created - now > MAX_AHEAD:
        raise SignatureRefusedError(Refusal.SIGNATURE_AHEAD)
    if expires is not None and now >= expires:
        raise SignatureRefusedError(Refusal.SIGNATURE_EXPIRED)
