"""Console: the page for operations and institutions, and the files that it loads.

They are the same bytes for everybody. What a person sees in the page comes from the signed routes, asked for in the
browser with that person's key; nothing of it passes through here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from chalice.app import Chalice, Response

from rongtong.entrypoints.door import Call
from rongtong.entrypoints.http import Headers
from rongtong.entrypoints.routes import serve
from rongtong.services.errors import NotFoundError

app = Chalice(app_name="console")
_FOLDER = Path(__file__).with_name("page")
_PAGE = "index.html"
_TYPES: Mapping[str, str] = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_MAY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""What the page may load and reach: its own files and this API. Nothing inline, no frame, nothing of anybody else."""


@serve(app, "GET", "/console")
def read_console(_: Call) -> Response:
    """The page."""
    return _file(_PAGE)


@serve(app, "GET", "/console/{file}")
def read_console_file(_: Call, file: str) -> Response:
    """One of the page's scripts, or its style. Raises NotFoundError."""
    if file == _PAGE or file not in _names():
        raise NotFoundError("The console has no such file; open /console.", field="file")
    return _file(file)


@cache
def _names() -> frozenset[str]:
    return frozenset(path.name for path in _FOLDER.iterdir() if path.suffix in _TYPES)


@cache
def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _file(name: str) -> Response:
    headers: Headers = {
        "Content-Type": f"{_TYPES[Path(name).suffix]}; charset=utf-8",
        "Content-Security-Policy": _MAY,
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        # Asked for anew each time: page and scripts of two releases are never mixed.
        "Cache-Control": "no-cache",
    }
    return Response(body=_text(name), status_code=200, headers=headers)
