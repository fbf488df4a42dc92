"""The emulator's own start, but that a function's error keeps the name of its class, as AWS Lambda reports it.

The emulator calls every error of a Python function "Runtime.HandlerError", so that no state machine could tell one from
another. It does answer the traceback, whose last line names the class. Run by the emulator's interpreter.
"""

from __future__ import annotations

import re
import runpy
from typing import Any

from ministack.core.lambda_runtime import Worker

_LAST_LINE = re.compile(r"^(?:[\w.]+\.)?(\w+)(?::|$)")
_invoke = Worker.invoke


def _invoke_and_name(self: Worker, *args: Any, **kwargs: Any) -> dict[str, Any]:
    answer: dict[str, Any] = _invoke(self, *args, **kwargs)
    lines = [line for line in str(answer.get("trace", "")).splitlines() if line and not line.startswith(" ")]
    named = _LAST_LINE.match(lines[-1]) if lines else None
    if answer.get("status") == "error" and named is not None:
        # The caller reports an exception of its own by the name of its class.
        raise type(named[1], (Exception,), {})(answer["error"])
    return answer


Worker.invoke = _invoke_and_name

if __name__ == "__main__":
    runpy.run_module("ministack", run_name="__main__", alter_sys=True)
