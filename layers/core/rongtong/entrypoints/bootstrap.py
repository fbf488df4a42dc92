"""The composition root: the only place that reads the environment and constructs adapters."""

from __future__ import annotations

import os
from functools import cache

import boto3

from rongtong.adapters.archive import S3Archive
from rongtong.adapters.bank import HttpBank
from rongtong.adapters.calendars import legal_calendar
from rongtong.adapters.clocks import SandboxClock, SystemClock
from rongtong.adapters.dynamodb import DynamoStore
from rongtong.adapters.http import HttpClient
from rongtong.adapters.kms import KmsLogSigner, KmsVault
from rongtong.adapters.registries import HttpBillRegistry, HttpInvoiceRegistry
from rongtong.adapters.sms import HttpSmsGateway
from rongtong.adapters.workflows import StepFunctionsWorkflows
from rongtong.services.context import Context

BANK_TIMEOUT_S = 6.0
REGISTRY_TIMEOUT_S = 4.0
"""One task calls a registry at most three times and a bank twice: together well inside the functions' 30 seconds."""


@cache
def context() -> Context:
    """The collaborators of this deployment, made once per process and before its first request is served."""
    env = os.environ
    clock_table = env.get("CLOCK_TABLE", "")
    tables = env["BUSINESS_TABLE"], env["EVIDENCE_TABLE"]
    store = DynamoStore(*tables, region=env["AWS_REGION"], endpoint=env.get("AWS_ENDPOINT_URL"))
    boto3.setup_default_session(botocore_session=store.session)
    return Context(
        store=store,
        clock=SandboxClock(clock_table) if clock_table else SystemClock(),
        vault=KmsVault(env["DATA_KEY_ID"]),
        log_signer=KmsLogSigner(env["LOG_KEY_ID"]),
        log_origin=env["LOG_ORIGIN"],
        archive=S3Archive(env["ARCHIVE_BUCKET"]),
        workflows=StepFunctionsWorkflows(env["DISCOUNT_MACHINE_ARN"], env["REGISTRATION_MACHINE_ARN"]),
        banks=tuple(HttpBank(HttpClient(url, BANK_TIMEOUT_S)) for url in env["BANK_URL"].split()),
        bills=HttpBillRegistry(HttpClient(env["BILL_REGISTRY_URL"], REGISTRY_TIMEOUT_S)),
        invoices=HttpInvoiceRegistry(HttpClient(env["INVOICE_REGISTRY_URL"], REGISTRY_TIMEOUT_S)),
        sms=HttpSmsGateway(HttpClient(env["SMS_URL"], REGISTRY_TIMEOUT_S)),
        calendar=legal_calendar(),
    )
