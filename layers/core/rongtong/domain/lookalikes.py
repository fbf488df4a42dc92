"""Domain names that look like one of the platform's own (仿冒域名), as somebody who phishes would register them.

The ways are those that tools like dnstwist know: other ends, characters that look alike within ASCII and beyond it
(homographs, Unicode TR 39; written as RFC 3492 punycode), hyphens, words that lend trust, and slips of the finger.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rongtong.domain.errors import InvalidInputError

LOOKALIKES_MAX = 400
"""Of one name, the likeliest first."""
NAMES_MAX = 10
_KNOWN_MAX = 200
HARMLESS = "HARMLESS"
"""The note with which a person settles that a domain is nobody's who imitates us: it is never told again."""
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_NAME_LENGTH_MAX = 253
_LABEL_LENGTH_MAX = 63


class DomainNamesError(InvalidInputError):
    """A list of domain names that cannot be read; ``field`` names the part."""

    code = "DOMAIN_NAMES"


class Way(StrEnum):
    """How a name was made from another, the likeliest first."""

    OTHER_END = "OTHER_END"
    """Another top-level domain."""
    ASCII_TWIN = "ASCII_TWIN"
    """Characters of ASCII that look alike, such as 1 and l."""
    UNICODE_TWIN = "UNICODE_TWIN"
    """Characters of other scripts that look alike, such as the Cyrillic а."""
    HYPHEN = "HYPHEN"
    TRUSTED_WORD = "TRUSTED_WORD"
    """A word that lends trust before or behind the name."""
    SWAP = "SWAP"
    OMISSION = "OMISSION"
    REPETITION = "REPETITION"
    NEIGHBOUR = "NEIGHBOUR"
    """The key beside the right one."""


@dataclass(frozen=True)
class Lookalike:
    """A name as the DNS has it, and how it was made."""

    name: str
    way: Way


@dataclass(frozen=True)
class OwnDomains:
    """The names that are watched, and others that are known to be the platform's own."""

    names: tuple[str, ...] = ()
    known: tuple[str, ...] = ()

    @classmethod
    def parse(cls, content: Mapping[str, Any]) -> OwnDomains:
        """From ``{"names": [...], "known": [...]}``: registered names in lower case. Raises DomainNamesError."""
        if unknown := sorted(set(content) - {"names", "known", *_NOTED}):
            raise DomainNamesError(f"There is no part {unknown[0]}.", field=f"content.{unknown[0]}")
        names = _names(content.get("names"), "content.names", NAMES_MAX)
        return cls(names, _names(content.get("known", []), "content.known", _KNOWN_MAX))

    def lookalikes(self) -> list[tuple[str, Lookalike]]:
        """Every name that looks like a watched one, with that one; none of them twice, and none of the platform's."""
        found: dict[str, tuple[str, Lookalike]] = {}
        for own in self.names:
            for one in lookalikes(own):
                if one.name not in self.names and one.name not in self.known:
                    found.setdefault(one.name, (own, one))
        return list(found.values())


_NOTED = ("version", "proposed_by", "approved_by", "approved_at")
_ENDS = (
    *("com", "cn", "com.cn", "net", "net.cn", "org", "org.cn", "top", "vip", "xyz", "shop", "club", "co", "cc"),
    *("info", "site", "online", "ltd", "icu", "app", "xn--fiqs8s", "xn--55qx5d", "xn--io0a7i"),
)
_ASCII_TWINS = (
    *(("o", "0"), ("0", "o"), ("l", "1"), ("l", "i"), ("i", "1"), ("i", "l"), ("1", "l"), ("m", "rn"), ("rn", "m")),
    *(("w", "vv"), ("vv", "w"), ("d", "cl"), ("cl", "d"), ("g", "q"), ("q", "g"), ("s", "5"), ("e", "3"), ("b", "6")),
    *(("u", "v"), ("v", "u"), ("n", "m"), ("z", "2")),
)
_UNICODE_TWINS: Mapping[str, str] = {
    "a": "\u0430",
    "c": "\u0441",
    "d": "\u0501",
    "e": "\u0435",
    "g": "\u0261",
    "h": "\u04bb",
    "i": "\u0456",
    "j": "\u0458",
    "k": "\u03ba",
    "l": "\u04cf",
    "m": "\u043c",
    "n": "\u0578",
    "o": "\u043e",
    "p": "\u0440",
    "q": "\u051b",
    "r": "\u0433",
    "s": "\u0455",
    "t": "\u0442",
    "u": "\u057d",
    "v": "\u03bd",
    "w": "\u051d",
    "x": "\u0445",
    "y": "\u0443",
}
_WORDS = ("www", "pay", "bank", "login", "safe", "vip", "app", "online", "service", "finance")
_ROWS = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")


def lookalikes(name: str) -> tuple[Lookalike, ...]:
    """Names that look like this one, at most LOOKALIKES_MAX, the likeliest ways first; each is one that DNS can hold.

    ``name`` is a registered one, like ``example.com.cn``: its first label is imitated.
    """
    label, _, end = name.partition(".")
    found: dict[str, Way] = {}
    for way, made in _made(label, end):
        fits = all(_fits(part) for part in made.split(".")) and len(made) <= _NAME_LENGTH_MAX
        if fits and made != name:
            found.setdefault(made, way)
    return tuple(Lookalike(one, way) for one, way in list(found.items())[:LOOKALIKES_MAX])


def _made(label: str, end: str) -> Iterator[tuple[Way, str]]:
    yield from ((Way.OTHER_END, f"{label}.{other}") for other in _ENDS)
    for way, labels in (
        (Way.ASCII_TWIN, _ascii_twins(label)),
        (Way.UNICODE_TWIN, _unicode_twins(label)),
        (Way.HYPHEN, (f"{label[:at]}-{label[at:]}" for at in range(1, len(label)))),
        (Way.HYPHEN, (label[:at] + label[at + 1 :] for at in range(len(label)) if label[at] == "-")),
        (Way.TRUSTED_WORD, _with_words(label)),
        (Way.SWAP, (label[:at] + label[at + 1] + label[at] + label[at + 2 :] for at in range(len(label) - 1))),
        (Way.OMISSION, (label[:at] + label[at + 1 :] for at in range(len(label)))),
        (Way.REPETITION, (label[:at] + label[at] + label[at:] for at in range(len(label)))),
        (Way.NEIGHBOUR, _neighbours(label)),
    ):
        yield from ((way, f"{made}.{end}") for made in labels)


def _ascii_twins(label: str) -> Iterator[str]:
    for seen, twin in _ASCII_TWINS:
        for at in range(len(label)):
            if label.startswith(seen, at):
                yield label[:at] + twin + label[at + len(seen) :]


def _unicode_twins(label: str) -> Iterator[str]:
    """One character each, and all of them at once, which shows no mixture of scripts to whoever looks for one."""
    yield _punycode("".join(_UNICODE_TWINS.get(char, char) for char in label))
    for at, char in enumerate(label):
        if char in _UNICODE_TWINS:
            yield _punycode(label[:at] + _UNICODE_TWINS[char] + label[at + 1 :])


def _punycode(label: str) -> str:
    return label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")


def _with_words(label: str) -> Iterator[str]:
    for word in _WORDS:
        yield from (f"{word}{label}", f"{word}-{label}", f"{label}{word}", f"{label}-{word}")


def _neighbours(label: str) -> Iterator[str]:
    for at, char in enumerate(label):
        for row in _ROWS:
            place = row.find(char)
            if place >= 0:
                beside = row[max(0, place - 1) : place] + row[place + 1 : place + 2]
                yield from (label[:at] + other + label[at + 1 :] for other in beside)


def _fits(label: str) -> bool:
    """Whether it is a label that can be registered: `xn--` alone has two hyphens there (RFC 5891 4.2.3.1)."""
    return (
        len(label) <= _LABEL_LENGTH_MAX
        and _LABEL.fullmatch(label) is not None
        and (label[2:4] != "--" or label.startswith("xn--"))
    )


def _names(value: object, field: str, most: int) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > most:
        raise DomainNamesError(f"It is a list of at most {most} names.", field=field)
    for number, name in enumerate(value):
        labels = name.split(".") if isinstance(name, str) and len(name) <= _NAME_LENGTH_MAX else []
        if len(labels) < 2 or not all(_fits(label) for label in labels):
            raise DomainNamesError(
                "A name is a registered one like example.com, in lower case.", field=f"{field}.{number}"
            )
    if len(set(value)) < len(value):
        raise DomainNamesError("Each name stands there once.", field=field)
    return tuple(value)
