"""What operations may change, which record each kind of change is made to, and how its content is checked.

A content is checked when it is proposed. One that takes a record's place follows only on the version it was made for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import time

from rongtong.domain.acceptors import AcceptorDirectory
from rongtong.domain.calendar import parse_calendar_year
from rongtong.domain.errors import InvalidInputError
from rongtong.domain.exposure import Limits
from rongtong.domain.interest import Fee
from rongtong.domain.lists import ListEntry, Subject, SubjectKind
from rongtong.domain.lookalikes import OwnDomains
from rongtong.domain.payment import OFFLINE, ONLINE, PaymentStatus
from rongtong.domain.policy import Policy
from rongtong.domain.privacy import mask_account
from rongtong.domain.rates import RateTable, RateTableError
from rongtong.domain.trust import TrustPolicy, TrustPolicyError
from rongtong.services import access, compensation_reserve, personal_data_changes
from rongtong.services.context import Context
from rongtong.services.cosigning import WITNESSES_KEY
from rongtong.services.errors import InstitutionUnknownError, NotFoundError
from rongtong.services.operator_records import UNKNOWN_OPERATOR, invited_again, operator_key
from rongtong.services.records import (
    ACCEPTORS_KEY,
    DOMAINS_KEY,
    LIMITS_KEY,
    POLICY_KEY,
    STATE,
    calendar_key,
    disclosure_pk,
    discount_pk,
    hold_pk,
    institution_pk,
    listed_pk,
    partner_pk,
    payment_sk,
    suspended_pk,
    tenant_key,
)
from rongtong.services.repayment import require_next
from rongtong.services.storage import Document, Key
from rongtong.services.suspension import SuspensionScope, released

_REASON = re.compile(r"[A-Z][A-Z0-9_]{2,63}", re.ASCII)
_SERIES_MAX = 99
_PERSONAL = frozenset({SubjectKind.ACCOUNT, SubjectKind.RESIDENT_ID})


class ChangeContentError(InvalidInputError):
    """What a change says cannot be read; ``field`` names the part."""

    code = "CHANGE_CONTENT"


class WitnessPolicyError(InvalidInputError):
    """A policy of the witnesses that cannot be read; the text names the line."""

    code = "WITNESS_POLICY"


@dataclass(frozen=True)
class Approval:
    """Who proposed, who approved, and when (ISO 8601)."""

    maker: str
    checker: str
    at: str


@dataclass(frozen=True)
class ChangeKind:
    """How one kind of change is made.

    ``prepare`` checks what was sent and answers what is kept of it; ``key`` names the record; ``apply`` makes the
    record's new body from its present one (None: there is none yet).
    """

    prepare: Callable[[Document], Document]
    key: Callable[[Document], Key]
    apply: Callable[[Document | None, Document, Approval], Document]
    whole: bool = True
    """Whether the content takes the record's place, and so may not follow on another version than it was made for."""
    complete: Callable[[Context, Document], Document] = lambda _, content: content
    """What follows of an approved content from other records, checked against them; ``apply`` is given the answer."""


def _text(content: Document, name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not value:
        raise ChangeContentError(f"{name} is missing or is no text.", field=f"content.{name}")
    return value


def _part(content: Document, name: str) -> Document:
    value = content.get(name)
    if not isinstance(value, dict):
        raise ChangeContentError(f"{name} is missing or is no object.", field=f"content.{name}")
    return value


def _checked(parse: Callable[[Document], object]) -> Callable[[Document], Document]:
    """Keeps what was sent, if it can be read."""

    def prepare(content: Document) -> Document:
        parse(content)
        return content

    return prepare


def _whole(_: Document | None, content: Document, approval: Approval) -> Document:
    """The record is the content; who made it so stands beside it."""
    return {**content, **_signed(approval)}


def _signed(approval: Approval) -> Document:
    return {"proposed_by": approval.maker, "approved_by": approval.checker, "approved_at": approval.at}


def _versioned(current: Document | None, content: Document, approval: Approval) -> Document:
    version = 1 if current is None else int(current.get("version", 0)) + 1
    return {**_whole(current, content, approval), "version": version}


def _merged(current: Document | None, content: Document, approval: Approval) -> Document:
    """What the content leaves out stays as it is: a list of barred acceptors never vanishes by not being named."""
    return _versioned(current, {**(current or {}), **content}, approval)


def _prepare_institution(content: Document) -> Document:
    """An institution's limit and fee, whether it takes buyers' agreements to pay the interest, and how it settles."""
    kept: Document = {"institution_id": _text(content, "institution_id")}
    for name in ("limit_fen", "fee", "buyer_interest", "settlement", "payment_cut_off"):
        if name in content:
            kept[name] = content[name]
    limit_fen, buyer_interest = kept.get("limit_fen", 0), kept.get("buyer_interest", False)
    if type(limit_fen) is not int or limit_fen < 0:
        raise ChangeContentError("limit_fen is a whole number of fen.", field="content.limit_fen")
    if type(buyer_interest) is not bool:
        raise ChangeContentError("buyer_interest is true or false.", field="content.buyer_interest")
    if kept.get("settlement", ONLINE) not in (ONLINE, OFFLINE):
        raise ChangeContentError(f"settlement is {ONLINE} or {OFFLINE}.", field="content.settlement")
    if "payment_cut_off" in kept:
        _require_time(kept["payment_cut_off"], "content.payment_cut_off")
    fee = kept.get("fee", {})
    if not isinstance(fee, dict) or not all(type(part) is int for part in fee.values()):
        raise ChangeContentError("fee has whole numbers flat_fen and per_million.", field="content.fee")
    Fee(**{name: fee.get(name, 0) for name in ("flat_fen", "per_million")})
    return kept


def _require_time(value: object, field: str) -> None:
    try:
        time.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise ChangeContentError("A time of the day in Shanghai is HH:MM.", field=field) from None


def _prepare_repayment(content: Document) -> Document:
    """Paying again what came back: which discount, the series of the new payment (2 for the first), and why."""
    series = content.get("series")
    if type(series) is not int or not 2 <= series <= _SERIES_MAX:
        raise ChangeContentError(f"series is a whole number from 2 to {_SERIES_MAX}.", field="content.series")
    return {"discount_id": _text(content, "discount_id"), "series": series, "reason": _text(content, "reason")}


def _apply_repayment(current: Document | None, content: Document, approval: Approval) -> Document:
    """Approves the payment of a series before it is sent; once it was, it is no matter of configuration any more."""
    if current is not None and current["status"] != PaymentStatus.CREATED:
        raise ChangeContentError("This series was sent already; approve the next one.", field="content.series")
    return {"status": PaymentStatus.CREATED.value, "why": content["reason"], **_signed(approval)}


def _apply_reserve_posting(current: Document | None, content: Document, approval: Approval) -> Document:
    if current is not None:
        raise compensation_reserve.taken()
    return _whole(current, content, approval)


def _prepare_operator_reset(content: Document) -> Document:
    """Whose passwords are forgotten, and a code that says how the person was identified."""
    if not _REASON.fullmatch(_text(content, "reason")):
        raise ChangeContentError(
            "reason is a code of 3 to 64 characters like SEEN_WITH_LICENCE.", field="content.reason"
        )
    return {name: _text(content, name) for name in ("enterprise_id", "operator_id", "reason")}


def _apply_operator_reset(current: Document | None, content: Document, approval: Approval) -> Document:
    if current is None:
        raise NotFoundError(UNKNOWN_OPERATOR, field="content.operator_id")
    return invited_again(current, str(content["reason"]), _signed(approval))


def _prepare_release(content: Document) -> Document:
    """Whose business goes on again, and a code that says why; ``id`` names it unless it is the platform's."""
    if content.get("scope") not in list(SuspensionScope):
        raise ChangeContentError(f"scope is one of {', '.join(SuspensionScope)}.", field="content.scope")
    if not _REASON.fullmatch(_text(content, "reason")):
        raise ChangeContentError("reason is a code of 3 to 64 characters like DRILL_OVER.", field="content.reason")
    kept: Document = {"scope": content["scope"], "reason": content["reason"]}
    if kept["scope"] != SuspensionScope.PLATFORM:
        kept["id"] = _text(content, "id")
    elif "id" in content:
        raise ChangeContentError("The platform has no id; leave it out.", field="content.id")
    return kept


def _apply_release(current: Document | None, content: Document, approval: Approval) -> Document:
    return released(current, str(content["reason"]), _signed(approval))


def _apply_institution(current: Document | None, content: Document, approval: Approval) -> Document:
    if current is None:
        raise InstitutionUnknownError("No such institution.", field="content.institution_id")
    return {**current, **content, **_signed(approval)}


def _prepare_tenant_policy(content: Document) -> Document:
    Policy.parse(_part(content, "policy"))
    return {"partner_id": _text(content, "partner_id"), "policy": content["policy"]}


def _apply_tenant_policy(current: Document | None, content: Document, approval: Approval) -> Document:
    return _merged(current, _part(content, "policy"), approval)


def _prepare_list_entry(content: Document) -> Document:
    """The subject is kept by its key; a personal value is kept masked, for the second person to compare."""
    subject = _subject(_text(content, "subject_kind"), _text(content, "value"))
    value = mask_account(content["value"]) if subject.kind in _PERSONAL else content["value"]
    kept = {name: content.get(name) for name in ("list", "effective_from", "effective_until", "reason")}
    entry = {**kept, "subject_key": subject.key, "version": 1, "added_by": "maker", "approved_by": "checker"}
    ListEntry.parse(entry)
    return {**kept, "subject_kind": subject.kind.value, "value": value, "subject_key": subject.key}


def _subject(kind: str, value: str) -> Subject:
    makers: Mapping[str, Callable[[str], Subject]] = {
        SubjectKind.NAME: Subject.name,
        SubjectKind.USCC: Subject.uscc,
        SubjectKind.RESIDENT_ID: Subject.resident_id,
        SubjectKind.ACCOUNT: Subject.account,
        SubjectKind.BANK_CODE: Subject.bank_code,
    }
    if kind not in makers:
        raise ChangeContentError(f"subject_kind is one of {', '.join(sorted(makers))}.", field="content.subject_kind")
    return makers[kind](value)


def _apply_list_entry(current: Document | None, content: Document, approval: Approval) -> Document:
    entries: list[Document] = [] if current is None else list(current["entries"])
    entry = {name: content[name] for name in ("list", "effective_from", "effective_until", "reason", "subject_key")}
    entry |= {"version": len(entries) + 1, "added_by": approval.maker, "approved_by": approval.checker}
    ListEntry.parse(entry)
    return {"entries": [*entries, entry]}


def _prepare_rate_table(content: Document) -> Document:
    RateTable.parse(_part(content, "table"))
    return {"institution_id": _text(content, "institution_id"), "table": content["table"]}


def _apply_rate_table(current: Document | None, content: Document, approval: Approval) -> Document:
    if current is None:
        raise InstitutionUnknownError("No such institution.", field="content.institution_id")
    tables, table = list(current.get("rate_tables", ())), _part(content, "table")
    if any(int(table["version"]) <= int(known["version"]) for known in tables):
        raise RateTableError("A new table needs a version above all earlier ones.", field="content.table.version")
    return {**current, "rate_tables": [*tables, {**table, **_signed(approval)}]}


def _prepare_witnesses(content: Document) -> Document:
    """The trust policy (C2SP tlog-policy) as it was sent; the platform takes its own log's key, whatever it pins."""
    text = _text(content, "policy")
    try:
        TrustPolicy.parse(text)
    except TrustPolicyError as error:
        raise WitnessPolicyError(str(error), field="content.policy") from error
    return {"policy": text}


def _apply_partner(current: Document | None, content: Document, approval: Approval) -> Document:
    return access.apply(current, content, _signed(approval))


def _calendar_of_content(content: Document) -> Key:
    return calendar_key(int(content["year"]))


def _institution_of_content(content: Document) -> Key:
    return institution_pk(content["institution_id"]), STATE


KINDS: Mapping[str, ChangeKind] = {
    "calendar_year": ChangeKind(_checked(parse_calendar_year), _calendar_of_content, _versioned),
    "limits": ChangeKind(_checked(Limits.parse), lambda _: LIMITS_KEY, _versioned),
    "acceptors": ChangeKind(_checked(AcceptorDirectory.parse), lambda _: ACCEPTORS_KEY, _versioned),
    "domains": ChangeKind(_checked(OwnDomains.parse), lambda _: DOMAINS_KEY, _versioned),
    "policy": ChangeKind(_checked(Policy.parse), lambda _: POLICY_KEY, _merged),
    "witnesses": ChangeKind(_prepare_witnesses, lambda _: WITNESSES_KEY, _versioned),
    "tenant_policy": ChangeKind(
        _prepare_tenant_policy, lambda content: tenant_key(content["partner_id"]), _apply_tenant_policy
    ),
    "institution": ChangeKind(_prepare_institution, _institution_of_content, _apply_institution),
    "repayment": ChangeKind(
        _prepare_repayment,
        lambda content: (discount_pk(content["discount_id"]), payment_sk(content["series"])),
        _apply_repayment,
        complete=require_next,
    ),
    "release": ChangeKind(
        _prepare_release,
        lambda content: (suspended_pk(content["scope"], content.get("id")), STATE),
        _apply_release,
    ),
    "operator_reset": ChangeKind(
        _prepare_operator_reset,
        lambda content: operator_key(content["enterprise_id"], content["operator_id"]),
        _apply_operator_reset,
        whole=False,
    ),
    "reserve_posting": ChangeKind(
        compensation_reserve.prepare,
        lambda content: (compensation_reserve.RESERVE_PK, content["reference"]),
        _apply_reserve_posting,
        whole=False,
        complete=compensation_reserve.complete,
    ),
    "disclosure": ChangeKind(
        personal_data_changes.prepare_disclosure,
        lambda content: (disclosure_pk(content["enterprise_id"]), STATE),
        _whole,
        whole=False,
        complete=personal_data_changes.of_known_enterprise,
    ),
    "hold": ChangeKind(
        personal_data_changes.prepare_hold,
        lambda content: (hold_pk(content["enterprise_id"]), STATE),
        _whole,
        complete=personal_data_changes.of_known_enterprise,
    ),
    "partner": ChangeKind(
        access.prepare,
        lambda content: (partner_pk(content["partner_id"]), STATE),
        _apply_partner,
        whole=False,
        complete=access.complete,
    ),
    "rate_table": ChangeKind(_prepare_rate_table, _institution_of_content, _apply_rate_table, whole=False),
    "list_entry": ChangeKind(
        _prepare_list_entry,
        lambda content: (listed_pk(content["subject_key"]), STATE),
        _apply_list_entry,
        whole=False,
    ),
}
