"""The platform's own jobs: every function is the tasks of one job's state machine."""

from __future__ import annotations

from chalice.app import Chalice

app = Chalice(app_name="schedules")
