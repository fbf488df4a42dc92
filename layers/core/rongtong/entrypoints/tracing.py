"""X-Ray, through Powertools; imported only where tracing is on, for its SDK takes a third of a second to load."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from aws_lambda_powertools import Tracer

_tracer = Tracer(service=os.environ.get("DEPLOYMENT", "rongtong"), patch_modules=("botocore",))
"""Calls of AWS are subsegments by themselves; what a bank or a registry takes is seen as the time between them."""


@contextmanager
def subsegment(name: str, keys: Mapping[str, str]) -> Iterator[None]:
    """A part of the invocation's trace that is found by these ids, and by nothing personal."""
    with _tracer.provider.in_subsegment(name=f"## {name}") as found:
        for key, value in keys.items():
            found.put_annotation(key, value)
        yield
