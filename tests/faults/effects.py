"""The one seam: every call that leaves a use case passes here, where a schedule may let it go wrong.

A call is an *effect* when somebody outside may notice it (a write, a bank, a registry, a key, an archive, a message, a
start). Reads of the store are no effects, but other workers may run between any two calls.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from rongtong.services.ports import BankUnavailableError, RegistryUnavailableError, SmsUnavailableError

KINDS = ("crash before", "crash after", "lose the answer", "deliver twice", "delay", "throttle")
_EFFECTS = {
    "store": {"transact"},
    "vault": {"decrypt", "encrypt"},
    "log_signer": {"sign"},
    "files": {"create", "create_all", "put", "delete"},
    "witness_door": {"add_checkpoint"},
    "archive": {"put", "get"},
    "workflows": {"start_discount", "resume", "redrive"},
    "bank": {"pay", "pay_unasked", "query"},
    "bills": {"find", "lock", "endorse", "release", "settle", "settlement"},
    "invoices": {"find"},
    "sms": {"send"},
}
_UNANSWERED = {
    "bank": BankUnavailableError,
    "bills": RegistryUnavailableError,
    "invoices": RegistryUnavailableError,
    "sms": SmsUnavailableError,
}


class CrashError(BaseException):
    """The process dies here; no use case can catch it."""


class SdkError(Exception):
    """What a cloud SDK raises when a call was not answered, or was throttled."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one call; a delayed one happens after ``later`` further calls."""

    kind: str
    later: int = 3


@dataclass
class Seam:
    """Counts and names the effects of a run, and lets those go wrong that ``choose`` picks."""

    choose: Callable[[int, str], Fault | None] = lambda ordinal, label: None
    switch: Callable[[], None] = lambda: None
    effects: list[str] = field(default_factory=list)
    faulted: list[tuple[int, str, str]] = field(default_factory=list)
    deferred: list[tuple[int, Callable[[], Any]]] = field(default_factory=list)
    calm: bool = False
    """Whether nothing goes wrong any more."""

    def wrap(self, port: str, target: Any) -> Any:
        """The port with its calls passing here."""
        return _Port(self, port, target)

    def pass_through(self, port: str, label: str, call: Callable[[], Any]) -> Any:
        """Do one call, or let it go wrong."""
        self.switch()
        self._let_delayed_happen()
        ordinal = len(self.effects)
        self.effects.append(label)
        fault = None if self.calm else self.choose(ordinal, label)
        if fault is None:
            return call()
        self.faulted.append((ordinal, label, fault.kind))
        return self._go_wrong(port, fault, call)

    def let_all_delayed_happen(self) -> None:
        """What was delayed arrives now at the latest."""
        while self.deferred:
            _, call = self.deferred.pop(0)
            _ignoring_its_answer(call)

    def _let_delayed_happen(self) -> None:
        now = len(self.effects)
        due = [pair for pair in self.deferred if pair[0] <= now]
        self.deferred[:] = [pair for pair in self.deferred if pair[0] > now]
        for _, call in due:
            _ignoring_its_answer(call)

    def _go_wrong(self, port: str, fault: Fault, call: Callable[[], Any]) -> Any:
        if fault.kind == "crash before":
            raise CrashError
        if fault.kind == "crash after":
            _ignoring_its_answer(call)
            raise CrashError
        if fault.kind == "deliver twice":
            _ignoring_its_answer(call)
            return call()
        if fault.kind == "lose the answer":
            _ignoring_its_answer(call)
        elif fault.kind == "delay":
            self.deferred.append((len(self.effects) + fault.later, call))
        raise _UNANSWERED.get(port, SdkError)(f"{port} did not answer")


class _Port:
    """A port whose calls pass the seam; what is no call is as it is."""

    def __init__(self, seam: Seam, port: str, target: Any) -> None:
        self._seam, self._port, self._target = seam, port, target

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        if not callable(found):
            return found
        seam, port = self._seam, self._port
        if name in _EFFECTS.get(port, ()):

            def called(*arguments: Any, **named: Any) -> Any:
                label = f"{port}.{name}{_about(port, arguments)}"
                return seam.pass_through(port, label, lambda: found(*arguments, **named))
        else:

            def called(*arguments: Any, **named: Any) -> Any:
                seam.switch()
                return found(*arguments, **named)

        self.__dict__[name] = called
        return called


def _about(port: str, arguments: tuple[Any, ...]) -> str:
    if port == "store":
        return f" {_said(arguments[0])}"
    if port == "files":
        path = arguments[0] if isinstance(arguments[0], str) else next(iter(arguments[0]))
        return f" {path.partition('/')[0]}"
    return ""


def _said(writes: Any) -> str:
    """What a transaction tells of: its event, or what it is about."""
    for write in writes:
        event = getattr(write, "body", {}).get("event")
        if event is not None:
            return str(event["type"])
    first = writes[0]
    return f"{first.pk.partition('#')[0]} {first.sk.partition('#')[0].rstrip('0123456789')}".strip()


def _ignoring_its_answer(call: Callable[[], Any]) -> None:
    with suppress(Exception):
        call()
