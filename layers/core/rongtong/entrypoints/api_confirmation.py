"""The description of the operators' and confirmations' routes."""

from __future__ import annotations

from collections.abc import Mapping

from rongtong.entrypoints import answers
from rongtong.entrypoints import answers_confirmation as shown
from rongtong.entrypoints.api_table import Link, Operation, Reply, link_by
from rongtong.entrypoints.confirmation_models import (
    ChallengeBody,
    CodeBody,
    LoginPasswordBody,
    OperatorBody,
    OperatorChangeBody,
    PaymentPasswordBody,
    ProofBody,
)

_TAG = "Operators"
_OPERATORS = "/v1/enterprises/{enterprise_id}/operators"
_OPERATOR = _OPERATORS + "/{operator_id}"
_CHALLENGES = "/v1/discounts/{discount_id}/confirmation-challenges"
_CODES = ("NOT_FOUND", "CODE_MISMATCH", "CODE_EXPIRED", "CODE_LOCKED")
_PASSWORDS = ("PASSWORD_LENGTH", "PASSWORD_SIMPLE", "PASSWORD_BREACHED", "PASSWORD_PERSONAL")
_SEALED = (
    "SEALED_REQUIRED",
    "SEALED_FORMAT",
    "SEALED_KEY_UNKNOWN",
    "SEALED_FOR_OTHER",
    "SEALED_EXPIRED",
    "SEALED_UNREADABLE",
)
_ACCOUNTS = ("LOGIN_REQUIRED", "ACCOUNTS_UNAVAILABLE")
_SENDING = ("NOT_FOUND", "WRONG_STATE", "OPERATOR_NOT_ACTIVE", "CODE_LOCKED", "CODES_TOO_MANY", "SMS_UNAVAILABLE")
_TOKEN = "eyJraWQiOiJrMSJ9.e30.c2ln"  # noqa: S105  # an example
_PROOF = {"operator_id": "opr_l2ey4uvbq3v6s63dkwifgjs5qb", "access_token": _TOKEN, "code": "123456"}

CONFIRMATION: Mapping[tuple[str, str], Operation] = {
    ("GET", _OPERATORS): Operation(
        id="listOperators",
        tag=_TAG,
        summary="List an enterprise's operators",
        replies={200: Reply("All of them, masked.", shown.OperatorList)},
        codes=("NOT_FOUND",),
    ),
    ("POST", _OPERATORS): Operation(
        id="registerOperator",
        tag=_TAG,
        summary="Register an operator of an enterprise",
        description="The same mobile again is the same operator. It sets its own passwords; there is no initial one.",
        body=OperatorBody,
        example={
            "name": "示例乙",
            "mobile": "13900139000",
            "consent": {"terms_version": "2026-01"},
            "roles": ["confirm"],
        },
        replies={201: Reply("The operator.", shown.Operator, headers=("Location",))},
        codes=("NOT_FOUND", "ENTERPRISE_NOT_ACTIVE", "MOBILE_INVALID", "ACCOUNTS_UNAVAILABLE"),
    ),
    ("POST", _OPERATOR): Operation(
        id="changeOperator",
        tag=_TAG,
        summary="Disable or enable an operator, or change its roles",
        body=OperatorChangeBody,
        example={"enabled": False},
        replies={200: Reply("The operator.", shown.Operator, headers=("Idempotent-Replayed",))},
        codes=("NOT_FOUND", "ACCOUNTS_UNAVAILABLE", "ENTERPRISE_CLOSED"),
    ),
    ("POST", _OPERATOR + "/codes"): Operation(
        id="sendOperatorCode",
        tag=_TAG,
        summary="Send an operator the code for one of its passwords, or for a disclosure",
        body=CodeBody,
        example={"purpose": "payment_password"},
        replies={201: Reply("It is on its way.", shown.SentCode)},
        codes=(*_SENDING, "ENTERPRISE_CLOSED"),
    ),
    ("POST", _OPERATOR + "/login-password"): Operation(
        id="setLoginPassword",
        tag=_TAG,
        summary="Set an operator's first login password, or another one",
        description=(
            "`first`: by a code, with the reserved phrase. `other`: by a fresh login and the present password. The "
            "operator's page logs in at the user pool itself (SRP); no login passes through here. `sealed` holds what "
            "the operator enters: code and password, or the present one and the other."
        ),
        body=LoginPasswordBody,
        example={"first": {"code": "123456", "password": "lantern-orchid-47-mule", "phrase": "窗前明月光"}},
        replies={200: Reply("The operator.", shown.Operator)},
        codes=(*_CODES, *_SEALED, *_PASSWORDS, *_ACCOUNTS, "WRONG_STATE", "ENTERPRISE_CLOSED"),
    ),
    ("POST", _OPERATOR + "/payment-password"): Operation(
        id="setPaymentPassword",
        tag=_TAG,
        summary="Set an operator's payment password, or another one",
        description=(
            "By a fresh login and a code; where there is one already, by that one too. `sealed` holds code and "
            "passwords."
        ),
        body=PaymentPasswordBody,
        example={"access_token": _TOKEN, "code": "123456", "password": "Wq7$kd9L-teapot"},
        replies={200: Reply("The operator.", shown.Operator)},
        codes=(
            *(*_CODES, *_SEALED, *_PASSWORDS, *_ACCOUNTS),
            *("OPERATOR_NOT_ACTIVE", "PAYMENT_PASSWORD_WRONG", "ENTERPRISE_CLOSED"),
        ),
    ),
    ("POST", _CHALLENGES): Operation(
        id="beginConfirmation",
        tag="Discounts",
        summary="Ask an operator to confirm a discount",
        description=(
            "Show the operator everything in the answer. A code that fits this payment alone goes to its mobile; it is "
            "worthless once amount, payee or bill change, or another challenge is begun."
        ),
        body=ChallengeBody,
        example={"operator_id": "opr_l2ey4uvbq3v6s63dkwifgjs5qb"},
        replies={201: Reply("What is to be shown.", shown.Challenge, headers=("Location",))},
        codes=(*_SENDING, "PAYMENT_PASSWORD_NOT_SET"),
        links={
            "completion": Link(
                "completeConfirmation",
                "The operator's factors.",
                {**link_by("discount_id"), **link_by("challenge_id")},
            )
        },
    ),
    ("POST", _CHALLENGES + "/{challenge_id}"): Operation(
        id="completeConfirmation",
        tag="Discounts",
        summary="Confirm a discount with what the operator shows",
        description=(
            "The login costs no attempt; a wrong code or payment password does, and the fifth in a row locks the "
            "operator, each time for longer. The same again is no change. `sealed` holds code and payment password."
        ),
        body=ProofBody,
        example={**_PROOF, "payment_password": "Wq7$kd9L-teapot", "access": {"region": "350100"}},
        replies={200: Reply("The discount, which goes on.", answers.Discount)},
        codes=(
            *_CODES,
            *_SEALED,
            *_ACCOUNTS,
            "WRONG_STATE",
            "OPERATOR_NOT_ACTIVE",
            "FACTORS_MISSING",
            "PAYMENT_PASSWORD_WRONG",
        ),
        links={"discount": Link("readDiscount", "Where it stands.", link_by("discount_id"))},
    ),
    ("GET", "/v1/confirmation-key"): Operation(
        id="readConfirmationKey",
        tag=_TAG,
        summary="The public key under which operators' pages seal codes and passwords",
        description=(
            "What an operator enters may be sent as `sealed` (JWE, RSA-OAEP-256 and A256GCM) instead of readable; the "
            "partner's server then carries what it cannot read. Any page may ask."
        ),
        replies={200: Reply("A JWK (RFC 7517).", shown.SealingKey, headers=("Cache-Control",))},
    ),
}
