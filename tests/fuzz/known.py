"""What earlier answers named, put into later requests: random ids are never there, and only refusals would be seen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import schemathesis
from schemathesis.core.parameters import ParameterLocation
from schemathesis.engine.run import PhaseName
from schemathesis.generation.meta import CoveragePhaseData
from signing import digest_of, to_be_signed

_ALSO = {"import_id": ("bill_import_id",), "discount_id": ("execution_id",)}
"""Under which other names paths have what a body names."""
_MOST = 40
_RANDOM_EVERY = 4
"""One in so many requests keeps what was generated."""


class Known:
    """Ids by the name under which paths and bodies have them, the newest last."""

    def __init__(self) -> None:
        self._ids: dict[str, dict[str, None]] = {}
        self._owners: dict[str, Mapping[str, str]] = {}
        self._turn = 0

    def add(self, name: str, value: str, owners: Mapping[str, str] | None = None) -> None:
        """Remember one; ``owners`` are the ids that stand before it in paths."""
        if owners:
            self._owners.setdefault(value, owners)
        held = self._ids.setdefault(name, {})
        held.pop(value, None)
        held[value] = None
        while len(held) > _MOST:
            del held[next(iter(held))]

    def learn(self, path: str, content: bytes, named: Mapping[str, str]) -> None:
        """Remember what an answer names; ``named`` are the path's parameters."""
        if path == "/v1/log/checkpoint":
            self._learn_log(content)
            return
        try:
            document = json.loads(content)
        except ValueError:
            return
        for name, value in _ids_in(document):
            # A change of an institution's own is a proposal in paths.
            mine = "proposal_id" if name == "change_id" and path.startswith("/v1/institution") else name
            for each in (mine, *_ALSO.get(mine, ())):
                self.add(each, value, {} if each in named else dict(named))

    def _learn_log(self, checkpoint: bytes) -> None:
        """The newest tile, and the bundle of its entries: C2SP tlog-tiles."""
        lines = checkpoint.decode(errors="replace").splitlines()
        size = int(lines[1]) if len(lines) > 1 and lines[1].isdigit() else 0
        tile, width = divmod(size, 256)
        if width:
            self.add("a", f"{tile:03}.p")
            self.add("b", str(width))
        if tile:
            self.add("a", f"{tile - 1:03}")
        for level in ("0", "entries"):
            self.add("level", level)

    def put_into(self, case: Any) -> None:
        """Put what is known in the place of what was generated, where that was to be right.

        What links brought stays, and so does what a case is about.
        """
        meta = case.meta
        if meta is None or meta.phase.name is PhaseName.STATEFUL_TESTING or _is_probe(meta):
            return
        self._turn += 1
        if self._turn % _RANDOM_EVERY == 0:
            return
        if _is_right(meta, ParameterLocation.PATH) and case.path_parameters:
            for name, value in list(case.path_parameters.items()):
                case.path_parameters[name] = self._one(name, value)
                owners = self._owners.get(case.path_parameters[name], {})
                case.path_parameters.update({k: v for k, v in owners.items() if k in case.path_parameters})
        if _is_right(meta, ParameterLocation.BODY) and isinstance(case.body, dict):
            case.body = self._filled(case.body)

    def _filled(self, body: Mapping[str, Any]) -> dict[str, Any]:
        filled = {name: self._one(name, value) for name, value in body.items()}
        about = body.get("about")
        if isinstance(about, dict) and "id" in about:
            filled["about"] = {**about, "id": self._one(f"{about.get('kind')}_id", about["id"])}
        return filled

    def _one(self, name: str, generated: Any) -> Any:
        held = list(self._ids.get(name, ()))
        return held[self._turn % len(held)] if held and isinstance(generated, str) else generated


def _is_probe(meta: Any) -> bool:
    """Whether the case is about one parameter's or the request's form, and must stay as it is."""
    data = meta.phase.data
    return isinstance(data, CoveragePhaseData) and data.parameter_location is ParameterLocation.PATH


def _is_right(meta: Any, location: ParameterLocation) -> bool:
    part = meta.components.get(location)
    return part is not None and part.mode.is_positive


def _ids_in(document: Any) -> Iterator[tuple[str, str]]:
    if isinstance(document, list):
        for one in document:
            yield from _ids_in(one)
    elif isinstance(document, dict):
        for name, value in document.items():
            if name.endswith("_id") and isinstance(value, str):
                yield name, value
            else:
                yield from _ids_in(value)


def share(known: Known, discounts: Sequence[Mapping[str, Any]]) -> None:
    """Register it for all requests; ``discounts`` are bodies that are good as they are, to be sent too."""
    schemathesis.hooks.unregister_all()

    @schemathesis.hook("before_call")
    def fill(_: Any, case: Any, __: dict[str, Any]) -> None:
        known.put_into(case)

    @schemathesis.hook("after_call")
    def learn(_: Any, case: Any, response: Any) -> None:
        if response.status_code < 300:
            known.learn(case.operation.path, response.content, case.path_parameters or {})

    @schemathesis.hook("before_add_examples")
    def add_discounts(context: Any, examples: list[Any]) -> None:
        operation = context.operation
        if operation.definition.raw.get("operationId") == "requestDiscount":
            for body in discounts:
                headers = {"Idempotency-Key": "sample", "Content-Digest": digest_of(b""), **to_be_signed("partner-a")}
                case = operation.Case(body=dict(body), headers=headers, media_type="application/json")
                case._has_explicit_auth = True
                examples.append(case)
