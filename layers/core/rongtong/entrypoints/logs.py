"""Structured logs: one JSON line each, with the subject's id, never with personal data or secrets."""

from __future__ import annotations

from aws_lambda_powertools import Logger

logger = Logger(service="rongtong")
