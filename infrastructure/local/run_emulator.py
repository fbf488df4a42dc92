"""The emulator's own start, but that a function's error keeps the name of its class, as AWS Lambda reports it.

The emulator calls every error of a Python function "Runtime.HandlerError", so that no state machine could tell one from
another. It does answer the traceback, whose last line names the class. Run by the emulator's interpreter.

A failed invocation makes the emulator drop all processes of the function, also those that unpack their code at that
moment; they begin again here, instead of failing in their turn and so dropping others.
"""

from __future__ import annotations

import random
import re
import runpy
import time
from typing import Any

from ministack.core.lambda_runtime import Worker

_LAST_LINE = re.compile(r"^(?:[\w.]+\.)?(\w+)(?::|$)")
_invoke = Worker.invoke
_BEGINNINGS = 20


def _invoke_and_name(self: Worker, *args: Any, **kwargs: Any) -> dict[str, Any]:
    for attempt in range(_BEGINNINGS):
        try:
            answer: dict[str, Any] = _invoke(self, *args, **kwargs)
        except FileNotFoundError:
            if attempt + 1 == _BEGINNINGS:
                raise
            time.sleep(random.uniform(0.1, 0.5))
        else:
            break
    lines = [line for line in str(answer.get("trace", "")).splitlines() if line and not line.startswith(" ")]
    named = _LAST_LINE.match(lines[-1]) if lines else None
    if answer.get("status") == "error" and named is not None:
        # The caller reports an exception of its own by the name of its class.
        raise type(named[1], (Exception,), {})(answer["error"])
    return answer


Worker.invoke = _invoke_and_name

if __name__ == "__main__":
    runpy.run_module("ministack", run_name="__main__", alter_sys=True)
