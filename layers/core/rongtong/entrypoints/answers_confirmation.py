"""Answers about operators and their confirmations, field by field: for the description and for tests."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from rongtong.domain.confirmation import Factor
from rongtong.entrypoints.answers import MAY_BE_MISSING, Answer, DiscountId, Fen, Instant, Range, example, identifier
from rongtong.services.operator_records import OperatorStatus

OperatorId = Annotated[str, identifier("opr")]
ChallengeId = Annotated[str, identifier("chl")]


class Operator(Answer):
    """A person who acts for an enterprise, masked (JR/T 0171)."""

    model_config = example(
        operator_id="opr_l2ey4uvbq3v6s63dkwifgjs5qb",
        status="ACTIVE",
        roles=["confirm"],
        registered_at="2026-04-15T02:00:00.000Z",
        name="**芳",
        mobile="139****9000",
    )

    operator_id: OperatorId
    """The same for the same enterprise and mobile, however often it is registered."""
    status: OperatorStatus
    """INVITED until it has set a login password."""
    roles: list[Literal["confirm", "view"]]
    """What it may do."""
    registered_at: Instant
    """When it was registered first."""
    payment_password_set_at: Instant = MAY_BE_MISSING
    """Since when its payment password is what it is."""
    locked_until: Instant = MAY_BE_MISSING
    """Until when it is locked by wrong attempts; an instant that has passed means nothing."""
    name: str
    """Masked but for the last character."""
    mobile: str
    """Masked but for the first three and last four digits."""


class OperatorList(Answer):
    """An enterprise's operators."""

    operators: list[Operator]
    """All of them."""


class SentCode(Answer):
    """A code on its way to the operator's mobile."""

    operator_id: OperatorId
    """Whose."""
    purpose: Literal["login_password", "payment_password", "disclosure"]
    """What it is for."""
    expires_at: Instant
    """When it counts no longer."""


class Challenge(Answer):
    """What the operator must be shown before it confirms."""

    model_config = example(
        challenge_id="chl_l2ey4uvbq3v6s63dkwifgjs5qb",
        discount_id="dsc_4syj3glkr6jt3apmgd3n43zvfh",
        operator_id="opr_l2ey4uvbq3v6s63dkwifgjs5qb",
        payer_name="示例第一银行",
        payee_name="示例供应商01号有限公司",
        payee_account="**************0001",
        face_fen=158_969_733,
        proceeds_fen=157_970_851,
        bill_number="532529000001220260323000002550",
        range="000000000001-000158969733",
        factors=["password", "otp", "payment_password"],
        code_digits=6,
        code_sent_to="139****9000",
        expires_at="2026-04-15T02:03:00.000Z",
        attempts_left=5,
        reserved_phrase="窗前明月光",
    )

    challenge_id: ChallengeId
    """It counts until another one is begun for the same operator."""
    discount_id: DiscountId
    """What is confirmed."""
    operator_id: OperatorId
    """Who confirms."""
    payer_name: str
    """Who pays: the institution that discounts."""
    payee_name: str
    """Who is paid."""
    payee_account: str
    """To which account, its last four digits."""
    face_fen: Fen
    """Face of what is discounted."""
    proceeds_fen: Fen
    """What is paid."""
    bill_number: Annotated[str, StringConstraints(pattern=r"^[0-9]{30}$")]
    """Of which bill."""
    range: Range
    """Which sub-bill range of it."""
    factors: list[Factor]
    """What the amount takes, all of them."""
    code_digits: Annotated[int, Field(ge=6, le=8)]
    """How long the code is."""
    code_sent_to: str
    """The mobile, masked."""
    expires_at: Instant
    """When the code counts no longer."""
    attempts_left: Annotated[int, Field(ge=0, le=5)]
    """How many more are looked at."""
    reserved_phrase: str | None
    """What the operator chose; a page that does not show it is not ours (预留信息)."""


class SealingKey(Answer):
    """The public key to seal under (RFC 7517)."""

    model_config = example(
        kty="RSA",
        n="rnQ5G1v_T0o8z0bJYJ3qk8…",
        e="AQAB",
        kid="NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
        use="enc",
        alg="RSA-OAEP-256",
    )

    kty: Literal["RSA"]
    """The kind of key."""
    n: str
    """The modulus of 3072 bits, base64url."""
    e: str
    """The exponent, base64url."""
    kid: str
    """Its thumbprint (RFC 7638), which a page may know beforehand."""
    use: Literal["enc"]
    """For encryption alone."""
    alg: Literal["RSA-OAEP-256"]
    """The one algorithm by which a content's key is wrapped."""
