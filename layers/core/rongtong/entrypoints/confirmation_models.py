"""Bodies of the operators' and confirmations' routes. What is not named is refused; no refusal repeats a secret."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from rongtong.domain.passwords import LENGTH_MAX
from rongtong.domain.sealed import LENGTH_MAX as SEALED_LENGTH_MAX
from rongtong.entrypoints.models import INK, Access, Code, Consent, Text, one_of

OperatorRole = Literal["confirm", "view"]
Roles = Annotated[list[OperatorRole], Field(min_length=1, max_length=2)]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=LENGTH_MAX)]
"""Taken as it is: no space is trimmed."""
Digits = Annotated[str, StringConstraints(min_length=6, max_length=8, pattern=r"^[0-9]+$")]
Token = Annotated[str, StringConstraints(min_length=1, max_length=8192, pattern=r"^[A-Za-z0-9_.-]+$")]
SealedText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=SEALED_LENGTH_MAX, pattern=r"^[A-Za-z0-9_-]+([.][A-Za-z0-9_-]+){4}$"),
]
"""JWE in compact serialisation."""
Phrase = Annotated[
    str,
    # Two characters are left when the spaces around them are gone.
    StringConstraints(min_length=2, max_length=40, strip_whitespace=True, pattern=rf"{INK}[\s\S]*{INK}"),
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Sealable(_Body):
    """A body whose secrets may be sealed instead of readable."""

    sealed: SealedText | None = None
    """In place of what the operator entered: as its page sealed it for the platform (docs/confirmation.md)."""


def _readable_or_sealed(*required: str, perhaps: tuple[str, ...] = ()) -> dict[str, Any]:
    """What the schema of a sealable body says of that: all that is required readable, or sealed and nothing of it."""
    sent: dict[str, Any] = {"not": {"type": "null"}}
    not_sent: dict[str, Any] = {"type": "null"}
    readable = {"required": list(required), "properties": {**dict.fromkeys(required, sent), "sealed": not_sent}}
    sealed = {"required": ["sealed"], "properties": {"sealed": sent, **dict.fromkeys((*required, *perhaps), not_sent)}}
    return {"oneOf": [readable, sealed]}


class OperatorBody(_Body):
    """POST /v1/enterprises/{enterprise_id}/operators"""

    name: Text
    """The person's full name; masked in every answer."""
    mobile: Code
    """Mainland mobile number, 11 digits: codes go there."""
    consent: Consent
    """What the person agreed to."""
    roles: Roles = ["confirm"]
    """What the operator may do."""


class OperatorChangeBody(_Body):
    """POST /v1/enterprises/{enterprise_id}/operators/{operator_id}"""

    enabled: bool | None = None
    """False logs it out everywhere and keeps it out."""
    roles: Roles | None = None
    """In place of those that it has."""


class CodeBody(_Body):
    """POST /v1/enterprises/{enterprise_id}/operators/{operator_id}/codes"""

    purpose: Literal["login_password", "payment_password", "disclosure"]
    """What the code is to set, or `disclosure`: to be shown the enterprise's personal data in full."""


class FirstLoginPassword(Sealable):
    """The first login password, by a code, with the phrase that confirmation pages show (预留信息)."""

    model_config = ConfigDict(json_schema_extra=_readable_or_sealed("code", "password"))

    code: Digits | None = None
    """As it came to the mobile."""
    password: Secret | None = None
    """At least 12 characters."""
    phrase: Phrase
    """Shown before every confirmation, so that the operator knows the page."""


class OtherLoginPassword(Sealable):
    """Another login password, by a login and the present one."""

    model_config = ConfigDict(json_schema_extra=_readable_or_sealed("present", "password"))

    access_token: Token
    """Of a fresh login."""
    present: Secret | None = None
    """The one that there is."""
    password: Secret | None = None
    """At least 12 characters."""


class LoginPasswordBody(_Body):
    """POST /v1/enterprises/{enterprise_id}/operators/{operator_id}/login-password: one of the two"""

    model_config = ConfigDict(json_schema_extra=one_of("first", "other"))

    first: FirstLoginPassword | None = None
    """While there is none."""
    other: OtherLoginPassword | None = None
    """In place of the one that there is."""


class PaymentPasswordBody(Sealable):
    """POST /v1/enterprises/{enterprise_id}/operators/{operator_id}/payment-password"""

    model_config = ConfigDict(json_schema_extra=_readable_or_sealed("code", "password", perhaps=("present",)))

    access_token: Token
    """Of a fresh login."""
    code: Digits | None = None
    """As it came to the mobile."""
    password: Secret | None = None
    """At least 8 characters."""
    present: Secret | None = None
    """The one that there is, if there is one."""


class ChallengeBody(_Body):
    """POST /v1/discounts/{discount_id}/confirmation-challenges"""

    operator_id: Code
    """Who is to confirm."""


class ProofBody(Sealable):
    """POST /v1/discounts/{discount_id}/confirmation-challenges/{challenge_id}"""

    model_config = ConfigDict(json_schema_extra=_readable_or_sealed("code", perhaps=("payment_password",)))

    operator_id: Code
    """Who confirms."""
    access_token: Token
    """Of the operator's own fresh login."""
    code: Digits | None = None
    """As it came to the mobile, for this payment alone."""
    payment_password: Secret | None = None
    """Where the challenge's `factors` name it."""
    access: Access | None = None
    """Where the operator is."""


class FirstLoginSecrets(_Body):
    """What the page seals of a first login password."""

    code: Digits
    password: Secret


class OtherLoginSecrets(_Body):
    """What the page seals of another login password."""

    present: Secret
    password: Secret


class PaymentSecrets(_Body):
    """What the page seals of a payment password."""

    code: Digits
    password: Secret
    present: Secret | None = None


class ProofSecrets(_Body):
    """What the page seals of a confirmation."""

    code: Digits
    payment_password: Secret | None = None
