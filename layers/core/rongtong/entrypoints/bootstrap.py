"""The composition root: the only place that reads the environment and constructs adapters."""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from rongtong.adapters.archive import S3Archive
from rongtong.adapters.bank import HttpBank
from rongtong.adapters.calendars import legal_calendar
from rongtong.adapters.clocks import SandboxClock, SystemClock
from rongtong.adapters.dynamodb import AWS_RETRIES, DynamoStore
from rongtong.adapters.http import HttpClient
from rongtong.adapters.import_bucket import S3Uploads
from rongtong.adapters.kms import KmsLogSigner, KmsVault
from rongtong.adapters.log_bucket import KEPT_MAX, S3Files
from rongtong.adapters.registries import HttpBillRegistry, HttpInvoiceRegistry
from rongtong.adapters.sms import HttpSmsGateway
from rongtong.adapters.witness_door import HttpWitnessDoor
from rongtong.adapters.workflows import StepFunctionsWorkflows
from rongtong.domain.measures import BANK_UNANSWERED, REGISTRY_UNANSWERED
from rongtong.entrypoints.errors import InvalidBodyError
from rongtong.entrypoints.metrics import METER
from rongtong.entrypoints.outside import Port, watched
from rongtong.services.backup_ports import Backups
from rongtong.services.context import Context
from rongtong.services.ports import (
    Bank,
    BankUnavailableError,
    Chain,
    DomainNames,
    PaymentAnswer,
    RegistryUnavailableError,
)
from rongtong.services.webhook_ports import WebhookSender

AWS_TIMEOUT_S = 5.0
BANK_TIMEOUT_S = 6.0
REGISTRY_TIMEOUT_S = 4.0
"""One task calls a registry at most three times and a bank twice: together well inside the functions' 30 seconds."""


@cache
def context() -> Context:
    """The collaborators of this deployment, made once per process and before its first request is served."""
    env = os.environ
    clock_table = env.get("CLOCK_TABLE", "")
    tables = env["BUSINESS_TABLE"], env["EVIDENCE_TABLE"]
    store = DynamoStore(
        *tables, region=env["AWS_REGION"], endpoint=env.get("AWS_ENDPOINT_URL"), timeout_s=AWS_TIMEOUT_S
    )
    store.session.set_default_client_config(
        Config(
            connect_timeout=AWS_TIMEOUT_S, read_timeout=AWS_TIMEOUT_S, retries={"total_max_attempts": 1 + AWS_RETRIES}
        )
    )
    boto3.setup_default_session(botocore_session=store.session)
    return Context(
        store=store,
        clock=SandboxClock(clock_table) if clock_table else SystemClock(),
        vault=KmsVault(env["DATA_KEY_ID"]),
        log_signer=KmsLogSigner(env["LOG_KEY_ID"]),
        log_origin=env["LOG_ORIGIN"],
        files=S3Files(env["LOG_BUCKET"], int(env.get("LOG_TILES_KEPT", KEPT_MAX))),
        witness_door=HttpWitnessDoor(),
        archive=S3Archive(env["ARCHIVE_BUCKET"]),
        workflows=StepFunctionsWorkflows(
            env["DISCOUNT_MACHINE_ARN"], env["REGISTRATION_MACHINE_ARN"], env.get("JOB_MACHINE_ARN", "")
        ),
        banks=tuple(
            watched(_bank(url), "bank", BankUnavailableError, BANK_UNANSWERED, METER) for url in env["BANK_URL"].split()
        ),
        bills=_registry(HttpBillRegistry(HttpClient(env["BILL_REGISTRY_URL"], REGISTRY_TIMEOUT_S)), "bills"),
        invoices=_registry(
            HttpInvoiceRegistry(HttpClient(env["INVOICE_REGISTRY_URL"], REGISTRY_TIMEOUT_S)), "invoices"
        ),
        sms=HttpSmsGateway(HttpClient(env["SMS_URL"], REGISTRY_TIMEOUT_S)),
        calendar=legal_calendar(),
        uploads=S3Uploads(env.get("IMPORT_BUCKET", ""), SystemClock().now),
        chain=_chain(env.get("CHAIN_FUNCTION_ARN", "")),
        webhook_sender=_webhook_sender(env.get("WEBHOOK_RECEIVERS", "")),
        domain_names=_domain_names(env.get("DOMAIN_NAMES", "")),
        meter=METER,
        payment_waits_for_chain=env.get("PAYMENT_WAITS_FOR") == "chain",
        backups=_backups(),
    )


def _registry(port: Port, name: str) -> Port:
    return watched(port, name, RegistryUnavailableError, REGISTRY_UNANSWERED, METER)


def _webhook_sender(receivers: str) -> WebhookSender | None:
    """Only functions that are told of receivers connect to what partners name."""
    if not receivers:
        return None
    from rongtong.adapters.webhook_sender import HttpsWebhookSender

    return HttpsWebhookSender(local=receivers == "local")


def _domain_names(asked: str) -> DomainNames | None:
    """Only the function that is told to asks the DNS for names."""
    if not asked:
        return None
    from rongtong.adapters.dns import UdpNames

    return UdpNames()


def _backups() -> Backups | None:
    """Only functions that are told of a bucket for backups make or read them."""
    env = os.environ
    if not env.get("BACKUP_BUCKET"):
        return None
    from rongtong.adapters.backup_bucket import S3Bucket
    from rongtong.adapters.backup_tables import DynamoTables

    def store_of(business: str, evidence: str) -> DynamoStore:
        return DynamoStore(
            business, evidence, region=env["AWS_REGION"], endpoint=env.get("AWS_ENDPOINT_URL"), timeout_s=AWS_TIMEOUT_S
        )

    buckets = {"archive": "ARCHIVE_BUCKET", "log": "LOG_BUCKET", "imports": "IMPORT_BUCKET"}
    return Backups(
        vault=S3Bucket(env["BACKUP_BUCKET"], env["BACKUP_REGION"]),
        buckets={name: S3Bucket(env[variable]) for name, variable in buckets.items()},
        tables=DynamoTables(env["BUSINESS_TABLE"], env["EVIDENCE_TABLE"], store_of),
    )


def _chain(function_arn: str) -> Chain | None:
    if not function_arn:
        return None
    from rongtong.adapters.chain_function import LambdaChain

    return LambdaChain(function_arn)


def bank_messages(content: bytes) -> list[PaymentAnswer]:
    """What an ISO 20022 message of the bank says. Raises InvalidBodyError."""
    from rongtong.adapters.iso_bank import notices_of
    from rongtong.adapters.strict_xml import UnreadableMessageError

    try:
        return notices_of(content, str(_iso()["debtor"]["account"]))
    except (UnreadableMessageError, KeyError) as error:
        raise InvalidBodyError("Send a pain.002 or a camt.054 of the agreed account.", field="body") from error


def _iso() -> dict[str, Any]:
    """How the bank is spoken to in ISO 20022; empty where it speaks JSON."""
    found: dict[str, Any] = json.loads(os.environ.get("BANK_ISO") or "{}")
    return found


def _bank(url: str) -> Bank:
    iso = _iso()
    if not iso:
        return HttpBank(HttpClient(url, BANK_TIMEOUT_S))
    accounts = HttpBank(HttpClient(str(iso["accounts_url"]), BANK_TIMEOUT_S))
    from rongtong.adapters.iso20022 import Debtor
    from rongtong.adapters.iso_bank import IsoBank, MailboxDoor

    door = MailboxDoor(url, str(iso["account_id"]), BANK_TIMEOUT_S)
    return IsoBank(door, Debtor(**iso["debtor"]), accounts, SystemClock().now)
