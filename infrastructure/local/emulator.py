"""The pinned AWS emulator as a child process on 127.0.0.1, with IAM enforced."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import psutil
import requests

from paths import discard

REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}
_STARTER = Path(__file__).with_name("run_emulator.py")
_CLOCK = "clock"
_START_S = 60
_STOP_S = 15


class Emulator:
    """A running emulator; ``folder`` holds its state and its log, and is emptied at every start."""

    def __init__(self, pid: int, port: int, folder: Path) -> None:
        self.pid = pid
        self.port = port
        self.folder = folder

    @property
    def url(self) -> str:
        """Where AWS clients send their requests."""
        return f"http://127.0.0.1:{self.port}"

    @classmethod
    def start(cls, python: Path, folder: Path) -> Emulator:
        """Start with the interpreter that has the emulator installed; returns when it answers.

        Raises RuntimeError with the place of the log when it does not.
        """
        discard(folder)
        (folder / "tmp").mkdir(parents=True)
        port = _free_port()
        with (folder / "emulator.log").open("w") as log:
            process = subprocess.Popen(
                [str(python), str(_STARTER)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(python, folder, port),
                start_new_session=True,
            )
        emulator = cls(process.pid, port, folder)
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline and process.poll() is None:
            with suppress(requests.ConnectionError):
                requests.get(f"{emulator.url}/_ministack/health", timeout=5).raise_for_status()
                return emulator
            time.sleep(0.1)
        emulator.stop()
        raise RuntimeError(f"The emulator did not start; read {folder / 'emulator.log'}.")

    def stop(self) -> None:
        """Stop it and the function processes that it started; nothing else is in its session."""
        for sent in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self.pid, sent)
            deadline = time.monotonic() + _STOP_S
            while time.monotonic() < deadline:
                with suppress(ChildProcessError):
                    os.waitpid(self.pid, os.WNOHANG)
                if not self.is_running():
                    discard(self.folder / "tmp")
                    return
                time.sleep(0.05)

    def put_clock_ahead(self, by: timedelta) -> None:
        """Let so much more time have gone by for schedules, and for nothing else of it (schedule_clock.py)."""
        clock, moved = self.folder / _CLOCK, self.folder / f"{_CLOCK}.new"
        ahead = float(clock.read_text()) if clock.exists() else 0.0
        moved.write_text(str(ahead + by.total_seconds()))
        moved.replace(clock)

    def is_running(self) -> bool:
        """Whether the process still exists, and is the emulator and no later one of the same number."""
        try:
            process = psutil.Process(self.pid)
            return str(_STARTER) in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


def _environment(python: Path, folder: Path, port: int) -> dict[str, str]:
    settings = {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "AUTH": "true",
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "LAMBDA_WARM_TTL_SECONDS": "3600",
        "MINISTACK_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": "000000000000",
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        "CLOCK_FILE": str(folder / _CLOCK),
        "TMPDIR": str(folder / "tmp"),
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
    }
    # Functions' processes share what they run from, so that what one has compiled the next one need not.
    left_out = ("AWS_", "PYTHONDONTWRITEBYTECODE")
    return {key: value for key, value in os.environ.items() if not key.startswith(left_out)} | settings


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
