"""Modules that are imported when something of them is first used: a function that starts reads what its first request
needs, and not what all of its routes do. A function that is started before anybody asks reads all at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from importlib import import_module
from os import environ

_AHEAD = frozenset({"provisioned-concurrency", "snap-start"})
"""How Lambda starts processes that nobody waits for."""


def late(package: str, names: Collection[str]) -> Callable[[str], object]:
    """A package's ``__getattr__`` (PEP 562): ``from package import name`` gives a stand-in of a module not read yet.

    ``from package.name import …`` imports it at once, as ever. Hide it from type checkers, which then see the modules.
    """

    def stand_in(name: str) -> object:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = f"{package}.{name}"
        return import_module(module) if environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") in _AHEAD else _Late(module)

    return stand_in


class _Late:
    """Stands for a module; Python's own lock sees to it that the module is read once, whichever threads use it."""

    __slots__ = ("_name",)
    _name: str

    def __init__(self, name: str) -> None:
        object.__setattr__(self, "_name", name)

    @property
    def __dict__(self) -> dict[str, object]:  # type: ignore[override]
        return vars(import_module(self._name))

    def __getattr__(self, attribute: str) -> object:
        return getattr(import_module(self._name), attribute)

    def __setattr__(self, attribute: str, value: object) -> None:
        setattr(import_module(self._name), attribute, value)

    def __delattr__(self, attribute: str) -> None:
        delattr(import_module(self._name), attribute)
