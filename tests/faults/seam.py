"""The seam: every call by which a use case reaches outside itself passes here, where a schedule may disturb it.

Calls that somebody outside may notice, or that are answered by somebody else's machine, are *effects*. Reads of our own
tables are none, but others may go first there too. A method that is named in no list below is refused: whoever gives a
port a new method must say here what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from faults.hub import Hub, ignoring
from rongtong.services.context import Context
from rongtong.services.ports import BankUnavailableError, RegistryUnavailableError, SmsUnavailableError
from rongtong.services.storage import Create, Write


class Kind(StrEnum):
    """What may go wrong with an effect."""

    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"
    LOST = "answer lost"
    TWICE = "twice"
    LATE = "late"
    """The caller gives up now; it happens later all the same."""
    THROTTLED = "throttled"


@dataclass(frozen=True)
class Fault:
    """One disturbance; ``delay_s`` is how much later a late effect happens."""

    kind: Kind
    delay_s: float = 0.0

    def __str__(self) -> str:
        return f"{self.kind} by {self.delay_s:g} s" if self.kind is Kind.LATE else self.kind.value


class CrashError(BaseException):
    """The process dies here; no use case can catch it."""


class ReadTimeoutError(Exception):
    """As the cloud's SDK raises it: nothing was heard of the request."""


class ThrottlingError(Exception):
    """As the cloud's SDK raises it: the request was refused, and not executed."""


@dataclass(frozen=True)
class _Port:
    effects: frozenset[str]
    free: frozenset[str] = frozenset()
    """Reads, and what is answered from memory."""
    unanswered: type[Exception] = ReadTimeoutError
    throttled: type[Exception] = ThrottlingError


def _port(effects: str, free: str = "", error: type[Exception] | None = None) -> _Port:
    names = frozenset(effects.split()), frozenset(free.split())
    return _Port(*names) if error is None else _Port(*names, error, error)


_READS = "get get_many query counter due listed scan write_units"
_PORTS = {
    "store": _port("transact", _READS),
    "vault": _port("new_key encrypt decrypt fingerprint"),
    "log_signer": _port("sign", "public_key"),
    "archive": _port("put get"),
    "workflows": _port("start_discount start_registration resume redrive", "execution failed_since"),
    "bank": _port("pay query statement verify_account", error=BankUnavailableError),
    "bills": _port("find lock endorse release settle settlement", error=RegistryUnavailableError),
    "invoices": _port("find", error=RegistryUnavailableError),
    "sms": _port("send", error=SmsUnavailableError),
}
_TIMEOUT_S = 6.0
"""How long a caller waits for an answer that does not come."""


@dataclass(frozen=True)
class Effect:
    """One effect of a run: its number, whose it was, what it was, and what went wrong with it."""

    number: int
    worker: str
    label: str
    fault: Fault | None
    at_s: float


@dataclass
class Seam:
    """Lists the effects of a run and lets those go wrong that ``choose`` picks by number, label and instant."""

    hub: Hub
    choose: Callable[[int, str, float], Fault | None] = lambda number, label, at_s: None
    effects: list[Effect] = field(default_factory=list)

    def around(self, context: Context) -> Context:
        """The same collaborators, with every call passing here."""
        ports = {name: self.wrap(name, getattr(context, name)) for name in _PORTS if name != "bank"}
        banks = tuple(
            self.wrap("bank", bank, str(at) if len(context.banks) > 1 else "") for at, bank in enumerate(context.banks)
        )
        return replace(context, **ports, banks=banks)

    def wrap(self, port: str, target: Any, suffix: str = "") -> Any:
        """One port with its calls passing here."""
        return _Wrapped(self, _PORTS[port], port + suffix, target)

    def perform(self, port: _Port, label: str, call: Callable[[], Any]) -> Any:
        """Do an effect, or what the schedule does to it."""
        hub = self.hub
        hub.pause()
        number = len(self.effects)
        fault = self.choose(number, label, hub.now_s)
        worker = hub.current
        self.effects.append(Effect(number, "" if worker is None else worker.name, label, fault, hub.now_s))
        return call() if fault is None else self._disturbed(port, label, fault, call)

    def _disturbed(self, port: _Port, label: str, fault: Fault, call: Callable[[], Any]) -> Any:
        if fault.kind is Kind.CRASH_BEFORE:
            raise CrashError
        if fault.kind is Kind.CRASH_AFTER:
            ignoring(call)
            raise CrashError
        if fault.kind is Kind.THROTTLED:
            raise port.throttled(f"{label}: too many requests")
        if fault.kind is Kind.TWICE:
            ignoring(call)
            return call()
        if fault.kind is Kind.LOST:
            ignoring(call)
        else:
            self.hub.at(fault.delay_s, lambda: ignoring(call))
        self.hub.sleep(_TIMEOUT_S)
        raise port.unanswered(f"{label}: no answer within {_TIMEOUT_S:g} s")


class _Wrapped:
    def __init__(self, seam: Seam, port: _Port, name: str, target: Any) -> None:
        self._seam, self._port, self._name, self._target = seam, port, name, target

    def __getattr__(self, method: str) -> Any:
        seam, port, found = self._seam, self._port, getattr(self._target, method)
        label = f"{self._name}.{method}"
        if method in port.effects:

            def called(*arguments: Any, **named: Any) -> Any:
                said = f"{label} {written(arguments[0])}" if method == "transact" else label
                return seam.perform(port, said, lambda: found(*arguments, **named))

        elif method not in port.free:
            raise AttributeError(f"tests/faults/seam.py does not say what {label} is")
        elif not callable(found):
            return found
        else:

            def called(*arguments: Any, **named: Any) -> Any:
                seam.hub.pause()
                return found(*arguments, **named)

        self.__dict__[method] = called
        return called


def written(writes: Sequence[Write]) -> str:
    """What a transaction is: the events in it, else the document it changes."""
    events = [write.body["event"]["type"] for write in writes if isinstance(write, Create) and "event" in write.body]
    if events:
        return "+".join(events)
    first = writes[0]
    partition, sort_key = first.pk.partition("#")[0], first.sk.rstrip("0123456789").rstrip("#")
    if first.pk == "log#leaves":
        return "log leaves"
    status = "" if "payment" not in first.sk else f" {getattr(first, 'body', {}).get('status')}"
    return f"{partition} {sort_key or 'record'}{status}"
