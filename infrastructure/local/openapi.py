"""Writes the API's description: the document that is served, its copy in docs, and a page of it. Run by `make docs`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from typing import Any

from paths import ROOT
from rongtong.entrypoints.api_document import FILE
from rongtong.entrypoints.openapi import document, text

DOCUMENT = ROOT / "docs" / "openapi.json"
PAGE = ROOT / "docs" / "openapi.html"
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:62rem;padding:1rem;color:#1b1f24}
nav ul{columns:2;list-style:none;padding:0}nav li{break-inside:avoid}
h2{border-bottom:2px solid #d0d7de;margin-top:2.5rem}h3{margin:2.2rem 0 .3rem}
code,pre{font:13px/1.45 ui-monospace,monospace;background:#f4f6f8;border-radius:4px}
code{padding:.05rem .25rem}pre{padding:.7rem;overflow:auto}
table{border-collapse:collapse;width:100%;margin:.5rem 0 1rem}
th,td{border:1px solid #d0d7de;padding:.3rem .5rem;text-align:left;vertical-align:top}
.method{display:inline-block;min-width:3.2rem;font-weight:600}a{color:#0b57a4;text-decoration:none}
details{margin:.3rem 0}summary{cursor:pointer}
@media(prefers-color-scheme:dark){body{background:#16191d;color:#dfe3e8}code,pre{background:#23282e}
th,td,h2{border-color:#3a4149}a{color:#7ab7ff}}
"""


def page() -> str:
    """The whole page: static, without scripts, and without anything from elsewhere."""
    described = document()
    operations = [
        (method.upper(), path, operation)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    ]
    schemas = described["components"]["schemas"]
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>{escape(described['info']['title'])}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(described['info']['title'])}</h1>",
        *[f"<p>{_prose(paragraph)}</p>" for paragraph in described["info"]["description"].split("\n\n")],
        '<p>This page shows <a href="openapi.json">openapi.json</a>; <code>make docs</code> writes both.</p>',
        "<nav><ul>",
        *[_entry(*one) for one in operations],
        "</ul></nav>",
    ]
    for tag in described["tags"]:
        parts.append(f"<h2>{escape(tag['name'])}</h2>")
        parts += [_section(described, *one) for one in operations if one[2]["tags"] == [tag["name"]]]
    parts.append("<h2>Objects</h2>")
    parts += [_schema(name, schema) for name, schema in schemas.items()]
    return "\n".join([*parts, "</body></html>", ""])


def _entry(method: str, path: str, operation: dict[str, Any]) -> str:
    link = f'<a href="#{operation["operationId"]}"><code>{escape(path)}</code></a>'
    return f'<li><span class="method">{method}</span>{link}</li>'


def _section(described: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> str:
    parts = [
        f'<h3 id="{operation["operationId"]}">{escape(operation["summary"])}</h3>',
        f'<p><span class="method">{method}</span><code>{escape(path)}</code></p>',
    ]
    if operation["description"]:
        parts.append(f"<p>{_prose(operation['description'])}</p>")
    if operation["parameters"]:
        parts.append(_parameters(described, operation["parameters"]))
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        parts.append(f"<p>Body: {_kind(content['schema'])} (<code>{escape(kind)}</code>)</p>")
        if "example" in content:
            parts.append(f"<details><summary>Example</summary><pre>{_json(content['example'])}</pre></details>")
    shared = described["components"]["responses"]
    answers = {
        status: shared[answer["$ref"].rpartition("/")[2]] if "$ref" in answer else answer
        for status, answer in operation["responses"].items()
    }
    rows = [(status, _answered(answer)) for status, answer in answers.items()]
    return "\n".join([*parts, _table(("status", "answer"), rows)])


def _parameters(described: dict[str, Any], parameters: Iterable[dict[str, Any]]) -> str:
    rows = []
    for parameter in parameters:
        if "$ref" in parameter:
            parameter = described["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]
        needed = " (required)" if parameter["required"] else ""
        name = f"<code>{escape(parameter['name'])}</code> in {parameter['in']}{needed}"
        rows.append((name, _kind(parameter["schema"]), _prose(parameter["description"])))
    return _table(("parameter", "form", "meaning"), rows)


def _answered(answer: dict[str, Any]) -> str:
    if "x-codes" in answer:
        first, _, rest = answer["description"].partition("\n\n")
        items = [f"<li>{_prose(line.removeprefix('- '))}</li>" for line in rest.split("\n")]
        return f"<details><summary>{_prose(first)}</summary><ul>{''.join(items)}</ul></details>"
    kinds = ", ".join(
        _kind(content["schema"]) if "schema" in content else f"<code>{escape(kind)}</code>"
        for kind, content in answer["content"].items()
    )
    links = ", ".join(
        f'<a href="#{link["operationId"]}">{escape(name)}</a>' for name, link in answer.get("links", {}).items()
    )
    return f"{_prose(answer['description'])} {kinds}" + (f"<br>Leads to: {links}" if links else "")


def _schema(name: str, schema: dict[str, Any]) -> str:
    parts = [f'<h3 id="{name}">{escape(name)}</h3>', f"<p>{_prose(schema.get('description', ''))}</p>"]
    if "enum" in schema:
        parts.append(f"<p>{_kind({'enum': schema['enum']})}</p>")
    required = schema.get("required", ())
    rows = [
        (f"<code>{escape(field)}</code>{'' if field in required else ' (may be missing)'}", _kind(form), _said(form))
        for field, form in schema.get("properties", {}).items()
    ]
    if rows:
        parts.append(_table(("field", "form", "meaning"), rows))
    for example in schema.get("examples", ()):
        parts.append(f"<details><summary>Example</summary><pre>{_json(example)}</pre></details>")
    return "\n".join(parts)


def _said(form: dict[str, Any]) -> str:
    return _prose(form.get("description", ""))


def _kind(form: dict[str, Any]) -> str:
    """A schema in a few words."""
    if "$ref" in form:
        name = form["$ref"].rpartition("/")[2]
        return f'<a href="#{name}">{escape(name)}</a>'
    if "const" in form:
        return f"<code>{_json(form['const'])}</code>"
    if "enum" in form:
        return ", ".join(f"<code>{escape(str(one))}</code>" for one in form["enum"])
    if "anyOf" in form:
        return " or ".join(_kind(one) for one in form["anyOf"])
    if form.get("type") == "array":
        inner = ", ".join(_kind(one) for one in form["prefixItems"]) if "prefixItems" in form else _kind(form["items"])
        return f"list of {inner}"
    named = [str(form.get("format") or form.get("type", "any"))]
    if "pattern" in form:
        named.append(f"<code>{escape(form['pattern'])}</code>")
    bounds = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "minLength": "length ≥", "maxLength": "length ≤"}
    named += [f"{sign} {form[bound]}" for bound, sign in bounds.items() if bound in form]
    return " ".join(named)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    top = "".join(f"<th>{one}</th>" for one in head)
    body = "\n".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{top}</tr>\n{body}</table>"


def _json(value: Any) -> str:
    return escape(json.dumps(value, ensure_ascii=False, indent=2), quote=False)


def _prose(text: str) -> str:
    """Escaped, with `code` and **words** as Markdown has them."""
    shown = escape(" ".join(text.split()), quote=False)
    for mark, tag in (("`", "code"), ("**", "b")):
        pieces = shown.split(mark)
        shown = "".join(piece if at % 2 == 0 else f"<{tag}>{piece}</{tag}>" for at, piece in enumerate(pieces))
    return shown


def main() -> None:
    """Write all three."""
    written = text()
    for path, content in ((FILE, written), (DOCUMENT, written), (PAGE, page())):
        path.write_text(content, encoding="utf-8")
    print(f"{sum(map(len, document()['paths'].values()))} operations in {DOCUMENT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
