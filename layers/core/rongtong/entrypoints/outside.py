"""Banks and registries as they are watched: each call is counted and logged, whether or not it was answered.

The log line of a bank's call bears the payment's reference beside what every line of its task bears, the discount's id
and the id of the request that began it: here the request, the discount and the bank's own records meet.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

from rongtong.domain.errors import RongTongError
from rongtong.entrypoints.logs import logger
from rongtong.services.context import Meter
from rongtong.services.ports import PaymentAnswer, PaymentOrder
from rongtong.services.storage import Document

Port = TypeVar("Port")
_WHOLE = 100
_BY_REFERENCE = frozenset({"query", "settlement"})
"""Calls that name a payment by its reference alone."""


def watched(port: Port, name: str, unavailable: type[RongTongError], measure: str, meter: Meter) -> Port:
    """The same port. ``unavailable`` is the error of a call without an answer, ``measure`` the share of those."""
    return cast(Port, _Watched(port, name, unavailable, measure, meter))


class _Watched:
    def __init__(self, port: object, name: str, unavailable: type[RongTongError], measure: str, meter: Meter) -> None:
        self._port, self._name, self._unavailable = port, name, unavailable
        self._measure, self._meter = measure, meter

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call: Callable[..., Any] = getattr(self._port, name)

        def counted(*arguments: Any) -> Any:
            began = time.monotonic()
            told: Document = {"call": f"{self._name}.{name}", **_reference(name, arguments)}
            try:
                answer = call(*arguments)
            except self._unavailable as error:
                self._meter.note(self._measure, _WHOLE)
                logger.warning("not answered", extra={**told, "ms": _ms_since(began), "code": error.code})
                raise
            self._meter.note(self._measure, 0)
            logger.info("answered", extra={**told, "ms": _ms_since(began), **_answer(answer)})
            return answer

        return counted


def _reference(name: str, arguments: tuple[Any, ...]) -> Document:
    """The payment's reference, where the call is about one; arguments may be personal, and are not logged."""
    for argument in arguments:
        if isinstance(argument, PaymentOrder):
            return {"reference": argument.reference}
    return {"reference": arguments[0]} if name in _BY_REFERENCE else {}


def _answer(answer: object) -> Document:
    if not isinstance(answer, PaymentAnswer):
        return {}
    serial = {} if answer.bank_serial is None else {"bank_serial": answer.bank_serial}
    return {"reference": answer.reference, "payment": answer.status.value, **serial}


def _ms_since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
