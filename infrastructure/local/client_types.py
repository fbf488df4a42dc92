"""Writes the client's types from the API's description. Run by `make docs`, after openapi.py."""

from __future__ import annotations

import json
from collections.abc import Iterator
from keyword import iskeyword
from textwrap import fill
from typing import Any

from openapi import DOCUMENT
from paths import ROOT

FILE = ROOT / "clients" / "python" / "rongtong_client" / "types.py"
_NOT_PARTNERS = ("/v1/operations/", "/v1/institution/", "/v1/bank/", "/v1/log/", "/v1/supervision/")
_PLAIN = {"string": "str", "integer": "int", "boolean": "bool", "number": "float", "null": "None"}
_HEAD = '''"""What the API takes and answers, as its description has it. Written by `make docs`.

Amounts are whole fen, rates percent a year as text, instants RFC 3339 in UTC, days those of Asia/Shanghai. There may be
fields and values that stand here not yet: ignore what you do not know.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict
'''
_WIDTH = 120


def text() -> str:
    """The module."""
    described = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    schemas: dict[str, Any] = described["components"]["schemas"]
    names = sorted(_reached(schemas, [path for path in described["paths"].items() if _for_partners(path[0])]))
    return "".join([_HEAD, *[_declared(name, schemas[name]) for name in names]])


def _for_partners(path: str) -> bool:
    return not path.startswith(_NOT_PARTNERS)


def _reached(schemas: dict[str, Any], start: Any) -> set[str]:
    """Names of the schemas that the operations use, directly or not; problems are the client's exception instead."""
    found: set[str] = set()
    waiting = list(_references(start))
    while waiting:
        name = waiting.pop()
        if name not in found and name != "Problem":
            found.add(name)
            waiting += _references(schemas[name])
    return found


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/components/schemas/"):
            yield reference.rpartition("/")[2]
        for part in value.values():
            yield from _references(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _references(part)


def _declared(name: str, schema: dict[str, Any]) -> str:
    said = schema.get("description", f"{name}.")
    if "properties" not in schema:
        return f"\n\n{_assigned(name, schema['enum'])}\n{_docstring(said, '')}"
    required = schema.get("required", ())
    fields = {
        field: _kind(form) if field in required else f"NotRequired[{_kind(form)}]"
        for field, form in schema["properties"].items()
    }
    if any(iskeyword(field) for field in fields):
        # A class cannot have such a field; this way its types are told as text.
        pairs = "".join(f"        {json.dumps(field)}: {json.dumps(kind)!s},\n" for field, kind in fields.items())
        pairs = pairs.replace('\\"', "'")
        return f'\n\n{name} = TypedDict(\n    "{name}",\n    {{\n{pairs}    }},\n)\n{_docstring(said, "")}'
    lines = [f"\n\nclass {name}(TypedDict):\n", _docstring(said, "    ")]
    for field, kind in fields.items():
        lines.append(f"\n    {field}: {kind}\n")
        lines.append(_docstring(schema["properties"][field].get("description", ""), "    "))
    return "".join(lines)


def _assigned(name: str, values: list[Any]) -> str:
    """As the formatter has it."""
    line = f"{name} = {_literal(values)}"
    if len(line) <= _WIDTH:
        return line
    within = f"    {_literal(values).removeprefix('Literal[').removesuffix(']')}"
    if len(within) <= _WIDTH:
        return f"{name} = Literal[\n{within}\n]"
    return f"{name} = Literal[\n" + "".join(f"    {json.dumps(one)},\n" for one in values) + "]"


def _kind(form: dict[str, Any]) -> str:
    """A schema as a type."""
    if "$ref" in form:
        return str(form["$ref"]).rpartition("/")[2]
    if "const" in form:
        return _literal([form["const"]])
    if "enum" in form:
        return _literal(form["enum"])
    if "anyOf" in form:
        return " | ".join(dict.fromkeys(_kind(one) for one in form["anyOf"]))
    if form.get("type") == "array":
        items = form.get("prefixItems") or [form["items"]]
        return f"list[{' | '.join(dict.fromkeys(_kind(one) for one in items))}]"
    if form.get("type") == "object":
        inner = form.get("additionalProperties")
        return f"dict[str, {_kind(inner) if isinstance(inner, dict) and inner else 'Any'}]"
    return _PLAIN.get(str(form.get("type")), "Any")


def _literal(values: list[Any]) -> str:
    return f"Literal[{', '.join(json.dumps(one) if isinstance(one, str) else repr(one) for one in values)}]"


def _docstring(said: str, indent: str) -> str:
    if not said:
        return ""
    words = " ".join(said.split()).replace("\\", "\\\\")
    filled = fill(f'"""{words}"""', _WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
    return f"{filled}\n"


def main() -> None:
    """Write it."""
    FILE.write_text(text(), encoding="utf-8")
    print(f"{FILE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
