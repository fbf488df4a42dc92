"""The emulator's own start, but that a function's error keeps the name of its class, as AWS Lambda reports it.

The emulator calls every error of a Python function "Runtime.HandlerError", so that no state machine could tell one from
another. It does answer the traceback, whose last line names the class. Run by the emulator's interpreter.

It compares an API's binary media types as they are written in a template, with ``~1`` for the slash.

An exception of a handler ends its process, and the next invocation begins one anew; here it goes on, as on AWS.

A process that does not begin makes the emulator drop all processes of the function, also those that begin at that
moment; here it begins again, and fails alone if it cannot.

Each process of a function would unpack code and layers again, all in the emulator's one process, and compile them:
eight at once took seconds, a hundred minutes. What was unpacked, and compiled, once is shared here.

Policies are told of the condition keys that condition_keys.py has, and schedules follow the clock of schedule_clock.py.
Metrics and alarms are those of alarm_bridge.py.

After each invocation the emulator waits 50 ms for a line that the function may still log; here it does so only after a
failure, whose class is in such a line.
"""

from __future__ import annotations

import hashlib
import random
import re
import runpy
import tempfile
import threading
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ministack.core import lambda_runtime
from ministack.core.lambda_runtime import Worker
from ministack.services import apigateway_v1, lambda_svc

import alarm_bridge
import condition_keys
import schedule_clock

_LAST_LINE = re.compile(r"^(?:[\w.]+\.)?(\w+)(?::|$)")
_invoke = Worker.invoke
_run = lambda_svc._execute_function_warm
_media_type_matches = apigateway_v1._media_type_matches
_BEGINNINGS = 5
_drain_with_patience = Worker._drain_stderr_bounded
_signal = lambda_runtime._signal
_collect = lambda_runtime._collect
_NOBODY = object()
_thread = threading.local()
"""``spared``: the process that the thread's invocation would have ended; ``_NOBODY`` outside of an invocation."""
_unpacking = threading.Lock()


class _SharedZip(zipfile.ZipFile):
    """An archive of a function or a layer, which is unpacked once for all processes of the emulator's functions."""

    def namelist(self) -> list[str]:
        """Nothing to be looked through: the archives are those that the deployment beside this file has built."""
        return []

    def extractall(self, path: Any = None, members: Any = None, pwd: bytes | None = None) -> None:
        """Let the empty folder be a link to what was unpacked."""
        assert members is None, "the emulator unpacks whole files"
        assert isinstance(self.filename, str), "the emulator has written it to a file"
        digest = hashlib.blake2b(Path(self.filename).read_bytes(), digest_size=16).hexdigest()
        shared = Path(tempfile.gettempdir()) / "unpacked" / digest
        with _unpacking:
            if not shared.exists():
                half = shared.with_suffix(".half")
                super().extractall(half, super().namelist(), pwd)
                half.rename(shared)
        Path(path).rmdir()
        Path(path).symlink_to(shared)


def _invoke_again(self: Worker, *args: Any, **kwargs: Any) -> dict[str, Any]:
    for attempt in range(_BEGINNINGS):
        _thread.spared = None
        try:
            answer: dict[str, Any] = _invoke(self, *args, **kwargs)
        except (OSError, RuntimeError) as error:  # the process did not begin
            answer = {"status": "error", "error": f"{type(error).__name__}: {error}", "log": ""}
            time.sleep(random.uniform(0.1, 0.5) * (attempt + 1))
        else:
            break
        finally:
            spared, _thread.spared = _thread.spared, _NOBODY
    if spared is not None:
        if "trace" in answer and self._proc is None and spared.poll() is None:
            self._proc = spared  # the handler raised; its process goes on
        else:
            _signal(spared)
            _collect(spared, time.monotonic() + lambda_runtime._REAP_GRACE)
    return answer


def _spare(process: Any) -> None:
    """Instead of ending the process of an invocation that failed, see first whether only its handler raised."""
    if getattr(_thread, "spared", _NOBODY) is _NOBODY:
        _signal(process)
    else:
        _thread.spared = process


def _collect_unless_spared(process: Any, deadline: float) -> None:
    if process is None or process is not getattr(_thread, "spared", _NOBODY):
        _collect(process, deadline)


def _run_and_name(*args: Any, **kwargs: Any) -> dict[str, Any]:
    answer: dict[str, Any] = _run(*args, **kwargs)
    body = answer.get("body")
    if answer.get("error") and isinstance(body, dict) and body.get("errorType") == "Runtime.HandlerError":
        lines = [line for line in str(answer.get("log", "")).splitlines() if line and not line.startswith(" ")]
        named = _LAST_LINE.match(lines[-1]) if lines else None
        if named is not None:
            body["errorType"] = named[1]
    return answer


def _drain(self: Worker, *args: Any, **kwargs: Any) -> str:
    failed = self._proc is None
    return str(_drain_with_patience(self, *args, **kwargs) if failed else self._drain_stderr())


def _matches(media_type: str, binary_media_types: list[str]) -> bool:
    return bool(_media_type_matches(media_type, [one.replace("~1", "/") for one in binary_media_types]))


lambda_runtime.zipfile = SimpleNamespace(**{**vars(zipfile), "ZipFile": _SharedZip})
apigateway_v1._media_type_matches = _matches
lambda_runtime._signal = _spare
lambda_runtime._collect = _collect_unless_spared
Worker.invoke = _invoke_again
Worker._drain_stderr_bounded = _drain
lambda_svc._execute_function_warm = _run_and_name
condition_keys.install()
schedule_clock.install()
alarm_bridge.install()

if __name__ == "__main__":
    runpy.run_module("ministack", run_name="__main__", alter_sys=True)
