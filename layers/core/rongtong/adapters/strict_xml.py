"""XML from outside, read strictly: no DTD, one namespace, nothing twice, nothing huge.

It is read by the standard library's expat with every DTD refused, which leaves an attacker no entities to declare; what
a package for it would add (defusedxml wraps this very parser) is not worth a dependency in the layer.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET
from xml.parsers import expat

BYTES_MAX = 8 * 1024 * 1024
"""Far above a day's statement of one account."""
_DEPTH_MAX = 64


class UnreadableMessageError(Exception):
    """Not the message that it should be, or one that contradicts itself: nothing in it is relied on."""


def parse(content: bytes, namespace: str) -> ET.Element:
    """The tree with bare names for what is in the namespace; what is not keeps a name that nobody asks for.

    Raises UnreadableMessageError.
    """
    if len(content) > BYTES_MAX:
        raise UnreadableMessageError("Larger than any message.")
    builder, depth = ET.TreeBuilder(), 0
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True

    def bare(name: str) -> str:
        where, _, local = name.rpartition(" ")
        return local if where == namespace else f"{{{where}}}{local}"

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEPTH_MAX:
            raise UnreadableMessageError("Deeper than any message.")
        builder.start(bare(name), attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(bare(name))

    def doctype(*_: object) -> None:
        raise UnreadableMessageError("A DTD, which no message has.")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = builder.data, doctype
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise UnreadableMessageError("No well-formed XML.") from error
    return builder.close()


def text(node: ET.Element, path: str) -> str | None:
    """The text at the path, None where there is none. Raises UnreadableMessageError where there are two."""
    found = node.findall(path)
    if len(found) > 1:
        raise UnreadableMessageError(f"{path} is there twice.")
    return (found[0].text or "").strip() or None if found else None


def need(node: ET.Element, path: str) -> str:
    """The text at the path. Raises UnreadableMessageError where there is none."""
    found = text(node, path)
    if found is None:
        raise UnreadableMessageError(f"{path} is missing.")
    return found


def child(node: ET.Element, path: str) -> ET.Element:
    """The only element at the path. Raises UnreadableMessageError."""
    found = node.findall(path)
    if len(found) != 1:
        raise UnreadableMessageError(f"{path} is not there once.")
    return found[0]
