"""The API's description as an OpenAPI 3.1 document, from the models that check requests and those of the answers.

For `make docs` and for tests; what is served is the file beside this module, so that no handler imports any of it.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from pydantic_core import core_schema

from rongtong.domain.errors import InvalidInputError
from rongtong.domain.reasons import REASONS
from rongtong.entrypoints import (
    answers,
    answers_audit,
    answers_bills,
    answers_confirmation,
    answers_duties,
    answers_institution,
    answers_jobs,
    answers_operations,
    answers_personal,
    answers_review,
    answers_supervision,
    answers_webhooks,
    bill_models,
    complaint_models,
    confirmation_models,
    duty_models,
    institution_models,
    models,
    personal_models,
    queries,
    supervision_models,
    webhook_models,
)
from rongtong.entrypoints.api_audit import AUDIT
from rongtong.entrypoints.api_bills import BILLS
from rongtong.entrypoints.api_confirmation import CONFIRMATION
from rongtong.entrypoints.api_duties import DUTIES
from rongtong.entrypoints.api_institution import INSTITUTION
from rongtong.entrypoints.api_jobs import JOBS
from rongtong.entrypoints.api_operations import OPERATIONS
from rongtong.entrypoints.api_partner import PARTNER
from rongtong.entrypoints.api_personal import PERSONAL
from rongtong.entrypoints.api_supervision import SUPERVISION
from rongtong.entrypoints.api_table import ANY, JSON, POSTED, READ, SIGNED, Operation, Reply
from rongtong.entrypoints.api_webhooks import WEBHOOKS
from rongtong.entrypoints.http import status_of
from rongtong.entrypoints.routes import ROUTES, parameters_of

TABLE: Mapping[tuple[str, str], Operation] = {
    **PARTNER,
    **PERSONAL,
    **CONFIRMATION,
    **BILLS,
    **WEBHOOKS,
    **INSTITUTION,
    **OPERATIONS,
    **JOBS,
    **DUTIES,
    **AUDIT,
    **SUPERVISION,
}
MODULES: tuple[ModuleType, ...] = tuple(
    import_module(module.__name__)  # models come late: this reads them
    for module in (
        answers,
        answers_operations,
        models,
        queries,
        answers_institution,
        institution_models,
        complaint_models,
        answers_webhooks,
        answers_confirmation,
        confirmation_models,
        answers_duties,
        duty_models,
        webhook_models,
        answers_bills,
        bill_models,
        answers_audit,
        answers_jobs,
        answers_review,
        answers_supervision,
        supervision_models,
        answers_personal,
        personal_models,
    )
)
_REF = "#/components/schemas/{model}"
_PROBLEM = "application/problem+json"
_SCOPES = {(route.method, route.path): route.scope for route in ROUTES}
_GATEWAY = {"SIGNATURE_INVALID": 401, "SIGNATURE_REFUSED": 403, "INTERNAL": 500}
"""Statuses of what is answered before, or instead of, any handler."""
_TITLES = {
    400: "The request cannot be read.",
    401: "It is not signed by a registered key, or another body was signed.",
    403: "The caller may not do this.",
    404: "There is no such object of this caller.",
    409: "Not now: read the object again, or wait.",
    412: "The object is not the one that `If-Match` names.",
    413: "The body is too large.",
    422: "What was sent breaks a rule.",
    429: "Too many requests.",
    500: "Our fault: send the same request again under the same Idempotency-Key.",
    503: "Busy, or something does not answer: send the same request again.",
}
_RETRY = frozenset({409, 429, 503})
_DESCRIPTION = """\
JSON over HTTPS. Amounts are whole fen, rates percent a year with six places, instants RFC 3339 in UTC, days those of
Asia/Shanghai. Fields that have nothing to say are left out. New fields, events and codes may come: ignore what you do
not know.

**Signing.** Every request but those for the log and this document is signed (RFC 9421) over `@method`, `@authority`,
`@path`, `@query` if there is one, and `content-digest` (RFC 9530), `idempotency-key`, `if-match` where they are sent,
with `created`, `nonce` and `keyid` (`<partner id>#<key number>`).

**Repeats.** Every POST needs an `Idempotency-Key`, kept for good. The same key with the same body is answered with the
first answer and `Idempotent-Replayed: true`, also where that was a refusal by a rule; with another body it is refused
(422), and while the first still runs it is told to wait (409). What is answered with 409, 412, 429 or 5xx was not
decided: send the same request again, under the same key.

**Lists** are answered in pages, newest first. `next_cursor` leads on; a page may be short and yet have a next one."""
_PARAMETERS: Mapping[str, tuple[str, Mapping[str, Any], Any]] = {
    "discount_id": ("The discount.", {"pattern": "^dsc_[a-z2-7]{26}$"}, "dsc_4syj3glkr6jt3apmgd3n43zvfh"),
    "enterprise_id": ("The enterprise.", {"pattern": "^ent_[a-z2-7]{26}$"}, "ent_nzfju3c3xv6chtovrrfhqyo6fx"),
    "operator_id": ("The operator.", {"pattern": "^opr_[a-z2-7]{26}$"}, "opr_2pn7ik4yqexpdf5ru3wjvhc6ba"),
    "challenge_id": ("The challenge.", {"pattern": "^chl_[a-z2-7]{26}$"}, "chl_3b452spayspk35yezjezzbuz4s"),
    "endpoint_id": ("The endpoint.", {"pattern": "^whe_[a-z2-7]{26}$"}, "whe_5kd3v2mwyqzt4hx6bnej7rsaop"),
    "quote_id": ("The quote.", {"pattern": "^quo_[a-z2-7]{26}$"}, "quo_wdf4nxekleycgu3dhmlheuow3c"),
    "incident_id": ("The incident.", {"pattern": "^inc_[a-z2-7]{26}$"}, "inc_nfidcqsh2raj6fimoa42cj5wsx"),
    "proposal_id": ("The change.", {"pattern": "^chg_[a-z2-7]{26}$"}, "chg_oiwjp5zy56sp4ip3dursgnhmla"),
    "complaint_id": ("The complaint.", {"pattern": "^cmp_[a-z2-7]{26}$"}, "cmp_3b452spayspk35yezjezzbuz4s"),
    "change_id": ("The change.", {"pattern": "^chg_[a-z2-7]{26}$"}, "chg_oiwjp5zy56sp4ip3dursgnhmla"),
    "execution_id": (
        "A discount's id, or the name of an execution.",
        {"pattern": "^dsc_[a-z2-7]{26}(-r[0-9]+)?$"},
        "dsc_4syj3glkr6jt3apmgd3n43zvfh-r1",
    ),
    "day": ("A day in Shanghai.", {"format": "date"}, "2026-04-15"),
    "job": ("One of the platform's own jobs.", {"pattern": "^[a-z_]+$"}, "audit"),
    "duty": ("What must be done regularly.", {"pattern": "^[a-z_]+$"}, "ddos_drill"),
    "record_id": ("A time that it was done.", {"pattern": "^dty_[a-z2-7]{26}$"}, "dty_4syj3glkr6jt3apmgd3n43zvfh"),
    "number": ("The finding's number within the record.", {"pattern": "^[1-9][0-9]?$"}, "1"),
    "/v1/statements/{day}": (
        "A day in Shanghai like 2026-04-15, or a month like 2026-04.",
        {"pattern": "^[0-9]{4}-[0-9]{2}(-[0-9]{2})?$"},
        "2026-04-15",
    ),
    "/v1/operations/monthly-reviews/{period}": (
        "A month in Shanghai.",
        {"pattern": "^[0-9]{4}-[0-9]{2}$"},
        "2026-03",
    ),
    "bill_id": ("The imported bill's id.", {"pattern": "^bil_[a-z2-7]{26}$"}, "bil_l2ey4uvbq3v6s63dkwifgjs5qb"),
    "bill_import_id": ("The import's id.", {"pattern": "^imp_[a-z2-7]{26}$"}, "imp_l2ey4uvbq3v6s63dkwifgjs5qb"),
    "year": ("A year in Shanghai that is over.", {"pattern": "^[0-9]{4}$"}, "2025"),
    "period": ("A day or a month in Shanghai.", {"pattern": "^[0-9]{4}-[0-9]{2}(-[0-9]{2})?$"}, "2026-04-14"),
    "file": ("One of the console's files.", {"pattern": "^[a-z_]+[.](css|js)$"}, "app.js"),
    "path": ("An asynchronous path.", {"pattern": "^[a-z-]+$"}, "sweep"),
    "level": ("The tile's level, or `entries`.", {"pattern": "^([0-9]{1,2}|entries)$"}, "0"),
    **{
        name: ("A part of the tile's number (C2SP tlog-tiles).", {"pattern": r"^(x?[0-9]{3}(\.p)?|[0-9]{1,3})$"}, "000")
        for name in "abcd"
    },
}


class _Schemas(GenerateJsonSchema):
    """Without titles of fields, and without defaults that say nothing: what may be missing is simply not required."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> dict[str, Any]:
        if schema.get("default") in (None, [], ""):
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)


def undescribed() -> list[tuple[str, str]]:
    """Routes that no table describes; the document has no more of them than their path. There should be none."""
    return [route for route in _SCOPES if route not in TABLE]


def document() -> dict[str, Any]:
    """The whole document. Raises LookupError for what is described and is no route."""
    if unknown := set(TABLE) - set(_SCOPES):
        raise LookupError(f"Described, and no route: {sorted(unknown)}.")
    paths: dict[str, dict[str, Any]] = {}
    for method, path in _SCOPES:
        operation = TABLE.get((method, path)) or _bare(method, path)
        paths.setdefault(path, {})[method.lower()] = _operation(method, path, operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "RongTong partner API", "version": "1", "description": _DESCRIPTION},
        "servers": [{"url": "https://{host}", "variables": {"host": {"default": "api.rongtong.example"}}}],
        "tags": [{"name": name} for name in dict.fromkeys(_tags(paths))],
        "paths": paths,
        "components": {
            "responses": _shared(paths),
            "schemas": _components(),
            "headers": _HEADERS,
            "parameters": _SENT_HEADERS,
            "securitySchemes": _SECURITY,
        },
    }


def _bare(method: str, path: str) -> Operation:
    name = re.sub(r"[^a-z0-9]+", "_", f"{method}{path}".lower()).strip("_")
    return Operation(id=name, tag="Other", summary=f"{method} {path}", replies={200: Reply("Not described yet.")})


def _shared(paths: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Takes problems that several operations have out of them, to stand once in the document."""
    seen: dict[str, list[tuple[dict[str, Any], str]]] = {}
    for methods in paths.values():
        for operation in methods.values():
            for status, response in operation["responses"].items():
                if "x-codes" in response:
                    same = json.dumps([status, response["x-codes"]])
                    seen.setdefault(same, []).append((operation["responses"], status))
    shared: dict[str, Any] = {}
    for places in seen.values():
        responses, status = places[0]
        if len(places) > 1:
            name = f"Problem{status}_{sum(one.startswith(f'Problem{status}') for one in shared) + 1}"
            shared[name] = responses[status]
            for responses, _ in places:
                responses[status] = {"$ref": f"#/components/responses/{name}"}
    return shared


def _tags(paths: Mapping[str, Mapping[str, Any]]) -> Iterable[str]:
    for methods in paths.values():
        for operation in methods.values():
            yield from operation["tags"]


def text() -> str:
    """The document as it is written and served."""
    return json.dumps(document(), ensure_ascii=False, indent=1) + "\n"


def _operation(method: str, path: str, operation: Operation) -> dict[str, Any]:
    scope = _SCOPES[method, path]
    about = [operation.description] if operation.description else []
    if scope is not None:
        about.append(f"Needs a key with the scope `{scope}`.")
    made: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": " ".join(about),
        "security": [{"Signature": [], "SignatureInput": []}] if scope is not None else [],
        "parameters": [*_path_parameters(path), *_query_parameters(operation.query), *_sent_headers(method, operation)],
        "responses": {
            **{str(status): _reply(reply, operation, scope) for status, reply in operation.replies.items()},
            **_problems(method, operation, public=scope is None),
        },
    }
    if scope is not None:
        made["x-scope"] = scope
    if operation.body is not None:
        content = {JSON: {"schema": _reference(operation.body), "example": operation.example}}
        if operation.xml:
            content["application/xml"] = {"schema": {"type": "string", "minLength": 1}}
        made["requestBody"] = {"required": True, "content": content}
    return made


def _reply(reply: Reply, operation: Operation, scope: str | None) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"} if reply.media.startswith("text/") else {}
    if reply.model is not None:
        schema = _reference(reply.model)
    elif reply.media == JSON:
        schema = {"type": "object"}
    names = ["X-Request-Id", *reply.headers, *(["RateLimit-Policy", "RateLimit"] if scope is not None else [])]
    made: dict[str, Any] = {
        "description": reply.description,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
        "content": {
            **({reply.media: {"schema": schema} if schema else {}} if reply.media else {}),
            **{media: {} if media == JSON else {"schema": {"type": "string"}} for media in reply.others},
        },
    }
    if operation.links:
        made["links"] = {
            name: {
                "operationId": link.operation,
                "description": link.description,
                "parameters": dict(link.parameters),
            }
            for name, link in operation.links.items()
        }
    return made


def _problems(method: str, operation: Operation, *, public: bool) -> dict[str, Any]:
    codes = [*(() if public else SIGNED), *(POSTED if method == "POST" else ())]
    codes += ["CONTENT_DIGEST_MISMATCH"] if method != "GET" else []
    codes += [*(READ if operation.body is not None else ()), *operation.codes, *ANY]
    if operation.if_match:
        codes += ["PRECONDITION_FAILED", "HEADER_MISSING"]
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        by_status.setdefault(status_of_code(code), []).append(code)
    return {str(status): _problem(status, by_status[status]) for status in sorted(by_status)}


def status_of_code(code: str) -> int:
    """The HTTP status under which a code is answered."""
    return _GATEWAY.get(code) or status_of(InvalidInputError("", code=code))


def _problem(status: int, codes: Iterable[str]) -> dict[str, Any]:
    lines = [f"- `{code}`: {REASONS[code].meaning} {REASONS[code].remedy}" for code in codes]
    headers = ["X-Request-Id", *(["Retry-After"] if status in _RETRY else [])]
    return {
        "description": "\n".join([_TITLES[status], "", *lines]),
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in headers},
        "content": {_PROBLEM: {"schema": _reference(answers.Problem)}},
        "x-codes": list(codes),
    }


def _path_parameters(path: str) -> list[dict[str, Any]]:
    found = []
    for name in parameters_of(path):
        about, form, example = _PARAMETERS[path if path in _PARAMETERS else name]
        schema = {"type": "string", **form}
        found.append(
            {"name": name, "in": "path", "required": True, "description": about, "schema": schema, "example": example}
        )
    return found


def _query_parameters(query: type[BaseModel] | None) -> list[dict[str, Any]]:
    if query is None:
        return []
    schema = _made([query])[query.__name__]
    written = documented()
    found = []
    for name, about in schema["properties"].items():
        # In a query there is no null; what may be missing is just not sent.
        form = {key: value for key, value in about.items() if key != "anyOf"}
        form |= next((one for one in about.get("anyOf", ()) if one.get("type") != "null"), {})
        required, said = name in schema.get("required", ()), written[query.__name__, name]
        found.append({"name": name, "in": "query", "required": required, "description": said, "schema": form})
    return found


def _sent_headers(method: str, operation: Operation) -> list[dict[str, Any]]:
    names = ["IdempotencyKey"] if method == "POST" else []
    names += ["ContentDigest"] if method not in ("GET", "DELETE") else []
    names += ["IfMatch"] if operation.if_match else []
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def _reference(model: type[BaseModel]) -> dict[str, Any]:
    return {"$ref": _REF.format(model=model.__name__)}


@cache
def _components() -> dict[str, Any]:
    wanted: dict[type[BaseModel], None] = {answers.Problem: None}
    for operation in TABLE.values():
        for model in (operation.body, *(reply.model for reply in operation.replies.values())):
            if model is not None:
                wanted[model] = None
    schemas, written = _made(wanted), documented()
    for name, schema in schemas.items():
        for field, form in schema.get("properties", {}).items():
            if (name, field) in written:
                form.setdefault("description", written[name, field])
        if issubclass(_CLASSES.get(name, BaseModel), answers.Answer):
            # Tests hold answers to their fields; clients must bear new ones.
            schema.pop("additionalProperties", None)
    for operation in TABLE.values():
        for reply in operation.replies.values():
            if reply.sparse is not None and reply.model is not None:
                _loosen(schemas, reply.model.__name__, *reply.sparse)
    return dict(sorted(schemas.items()))


def _made(wanted: Iterable[type[BaseModel]]) -> dict[str, Any]:
    pairs: list[tuple[type[BaseModel], Literal["validation"]]] = [(model, "validation") for model in wanted]
    _, made = models_json_schema(pairs, ref_template=_REF, schema_generator=_Schemas)
    found: dict[str, Any] = made["$defs"]
    return found


def _loosen(schemas: dict[str, Any], name: str, field: str, always: str) -> None:
    """The entries of a list of which ``fields`` may leave anything out but the id."""
    items = schemas[name]["properties"][field]
    entry = str(items["items"]["$ref"]).rpartition("/")[2]
    whole = schemas[entry]
    listed = {key: value for key, value in whole.items() if key not in ("examples", "required")}
    schemas[f"Listed{entry}"] = {**listed, "title": f"Listed{entry}", "required": [always]}
    items["items"] = {"$ref": _REF.format(model=f"Listed{entry}")}


_CLASSES: Mapping[str, type] = {
    name: member for module in MODULES for name, member in vars(module).items() if inspect.isclass(member)
}


@cache
def documented() -> dict[tuple[str, str], str]:
    """What stands under each field of the models, by class and field; inherited ones too.

    Read from the source here and now: pydantic can do it when a class is made, and every cold start would pay for it.
    """
    found: dict[tuple[str, str], str] = {}
    for module in MODULES:
        for node in ast.parse(inspect.getsource(module)).body:
            if isinstance(node, ast.ClassDef):
                found |= {(node.name, field): said for field, said in _under_fields(node)}
    for name, kind in _CLASSES.items():
        for parent in kind.__mro__[1:]:
            own = [(field, said) for (owner, field), said in found.items() if owner == parent.__name__]
            found |= {(name, field): said for field, said in own if (name, field) not in found}
    return found


def _under_fields(node: ast.ClassDef) -> Iterable[tuple[str, str]]:
    for line, below in zip(node.body, node.body[1:], strict=False):
        said = below.value.value if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) else None
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and isinstance(said, str):
            yield line.target.id, re.sub(r"\s+", " ", said).strip()


def _header(about: str, example: Any, **form: Any) -> dict[str, Any]:
    return {"description": about, "schema": {"type": "string", **form}, "example": example}


_HEADERS: Mapping[str, Any] = {
    "X-Request-Id": _header("Names this request; tell it to whoever you ask about it.", "6f1a9a0e-6a3b-4c6f-8a5e-0f4e"),
    "Location": _header("Where the object is read.", "/v1/discounts/dsc_4syj3glkr6jt3apmgd3n43zvfh"),
    "Idempotent-Replayed": _header("`true` where the first answer to this key is told again.", "true"),
    "ETag": _header("Names the state that was read (RFC 9110), for `If-Match`.", '"b7c1d6a2f0e94c55"'),
    "Cache-Control": _header("How long it may be kept.", "public, max-age=1"),
    "Retry-After": _header("Seconds to wait before the same request is sent again.", "1"),
    "RateLimit-Policy": _header("The limit that applies to this partner.", '"partner";q=50;w=1'),
    "RateLimit": _header("What is left of it.", '"partner";r=49;t=1'),
}
_SENT_HEADERS: Mapping[str, Any] = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "description": "The caller's name for this request, the same for every repeat; kept for good.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[\\x21-\\x7e]+$"},
        "example": "4f2b0c7e-6a0d-4f4e-9a51-3d1b7a7c2f10",
    },
    "ContentDigest": {
        "name": "Content-Digest",
        "in": "header",
        "required": True,
        "description": "SHA-256 or SHA-512 of the body (RFC 9530); it is signed.",
        "schema": {"type": "string", "pattern": "^sha-(256|512)=:[A-Za-z0-9+/]+={0,2}:$"},
        "example": "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:",
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "required": False,
        "description": "The `ETag` that was read: nothing is done if the object has changed since (412).",
        "schema": {"type": "string", "pattern": '^(\\*|(W/)?"[!#-~]*"([ \\t]*,[ \\t]*(W/)?"[!#-~]*")*)$'},
        "example": '"b7c1d6a2f0e94c55"',
    },
}
_SECURITY: Mapping[str, Any] = {
    "Signature": {
        "type": "apiKey",
        "in": "header",
        "name": "Signature",
        "description": "RFC 9421 signature by a registered key, over what `Signature-Input` names, like `rt=:…:`.",
    },
    "SignatureInput": {
        "type": "apiKey",
        "in": "header",
        "name": "Signature-Input",
        "description": (
            'What is signed and how: `rt=("@method" "@authority" "@path" "content-digest" "idempotency-key")'
            ';created=1776218400;nonce="…";keyid="partner-a#1"`. `created` is at most five minutes old, the nonce is '
            "used once. The algorithm (ed25519, ecdsa-p256-sha256 or rsa-pss-sha512) is the registered key's."
        ),
    },
}
