"""The stack on the emulator: build, deploy, seed, describe, stop. ``python stack.py up|down``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from base64 import b64decode
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import boto3
import requests
from botocore.config import Config
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from emulator import CREDENTIALS, REGION, Emulator
from paths import BUILD, EMULATOR_PYTHON, LOCAL, ROOT, SAM
from rongtong.domain.note import COSIGNATURE, VerifierKey
from rongtong.domain.trust import Group, TrustPolicy
from seed import make_keys, seed_platform

STACK = "rongtong"
WITNESSES = ("notary-a", "notary-b", "notary-c")
BACKUP_REGION = "us-west-2"
_QUORUM = 2
_FILE = "stack.json"
_TRUST = "trust.txt"
Say = Callable[[str], None]
TASKS_AT_ONCE = 12
"""Every one is a process of the emulator's: room for eight discounts in flight, and not for a thousand."""


@dataclass(frozen=True)
class Stack:
    """A deployed stack: where it answers and where its keys lie."""

    emulator_pid: int
    emulator_port: int
    base_url: str
    sandbox_url: str
    discount_machine_arn: str
    registration_machine_arn: str
    business_table: str
    keys: str
    log_url: str
    trust: str
    """The policy that a verifier of this stack's receipts pins: the log's key, its witnesses', their quorum."""
    feed_url: str = ""
    """Where supervisors connect for hints."""

    @property
    def emulator(self) -> Emulator:
        """The emulator that it runs on."""
        return Emulator(self.emulator_pid, self.emulator_port, Path(self.keys).parent / "emulator")

    def client(self, service: str) -> Any:
        """An AWS client with the emulator's root credentials: for operators' tools, never for partners."""
        return aws_client(self.emulator, service)


def aws_client(emulator: Emulator, service: str) -> Any:
    """A boto3 client on the emulator."""
    return boto3.client(service, **_access(emulator), region_name=REGION)


def _access(emulator: Emulator) -> dict[str, Any]:
    return {
        "endpoint_url": emulator.url,
        "aws_access_key_id": CREDENTIALS["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        "config": Config(retries={"max_attempts": 3}, read_timeout=60),
    }


def up(folder: Path, say: Say, tasks_at_once: int = TASKS_AT_ONCE) -> Stack:
    """Start the emulator, build and deploy template.yaml, seed partners, institutions and policy.

    ``folder`` gets the emulator's files, the partners' keys, the trust policy and stack.json. Nothing is left running
    when this raises.
    """
    say("starting the emulator on 127.0.0.1")
    emulator = Emulator.start(EMULATOR_PYTHON, folder / "emulator")
    try:
        say("building the layers (sam build)")
        _build(emulator, folder)
        say("deploying template.yaml (sam deploy)")
        _deploy(emulator, folder, tasks_at_once)
        _answer_as_the_template_says(emulator)
        _bound_as_the_template_says(emulator, tasks_at_once)
        say(f"deploying infrastructure/witness.yaml {len(WITNESSES)} times")
        trust = _deploy_witnesses(emulator, folder)
        stack = _describe(emulator, folder)
        say("seeding partners, institutions and policy")
        seed_platform(stack.client("dynamodb"), stack.business_table, make_keys(Path(stack.keys)), trust.text())
    except BaseException:
        emulator.stop()
        raise
    (folder / _FILE).write_text(json.dumps(asdict(stack), indent=2) + "\n")
    return stack


def load(folder: Path) -> Stack | None:
    """The stack that was brought up in ``folder`` and still runs, or None."""
    try:
        stack = Stack(**json.loads((folder / _FILE).read_text()))
    except FileNotFoundError:
        return None
    return stack if stack.emulator.is_running() else None


def down(folder: Path) -> bool:
    """Stop the stack of ``folder``; False if none was running."""
    stack = load(folder)
    if stack is not None:
        stack.emulator.stop()
    (folder / _FILE).unlink(missing_ok=True)
    return stack is not None


def _build(emulator: Emulator, folder: Path) -> None:
    # What was built is kept beside the interpreter that it was built for.
    cache = EMULATOR_PYTHON.parent.parent / "sam-cache"
    _sam(
        emulator,
        folder,
        "build",
        *("--template", str(ROOT / "template.yaml"), "--build-dir", str(BUILD / "sam")),
        *("--cached", "--parallel", "--cache-dir", str(cache)),
    )


def _deploy(emulator: Emulator, folder: Path, tasks_at_once: int) -> None:
    bucket = f"{STACK}-artifacts"
    aws_client(emulator, "s3").create_bucket(Bucket=bucket)
    runtime = f"python3.{sys.version_info.minor}"
    parameters = ["EnableSandbox=true", f"GatewayUrl={emulator.url}", f"PythonRuntime={runtime}"]
    parameters += [f"TaskConcurrency={tasks_at_once}", "WebhookReceivers=local"]
    # As many as the tour of the alarms has refused in its three seconds of a period, on a slow machine too.
    parameters += ["RefusedRequestsFrom=10"]
    parameters += [f"BackupBucket={_make_backup_bucket(emulator)}", f"BackupRegion={BACKUP_REGION}"]
    _sam(
        emulator,
        folder,
        "deploy",
        *("--template", str(BUILD / "sam" / "template.yaml")),
        *("--stack-name", STACK, "--s3-bucket", bucket, "--region", REGION),
        *("--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-progressbar"),
        *("--parameter-overrides", *parameters),
    )


def _make_backup_bucket(emulator: Emulator) -> str:
    """The bucket of infrastructure/backup.yaml, in its other region; the emulator reads no Object Lock there."""
    name = f"{STACK}-backup"
    s3 = boto3.client("s3", **_access(emulator), region_name=BACKUP_REGION)
    s3.create_bucket(
        Bucket=name,
        ObjectLockEnabledForBucket=True,
        CreateBucketConfiguration={"LocationConstraint": BACKUP_REGION},
    )
    kept = {"Mode": "COMPLIANCE", "Days": 400}
    s3.put_object_lock_configuration(
        Bucket=name,
        ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": kept}},
    )
    return name


def _deploy_witnesses(emulator: Emulator, folder: Path) -> TrustPolicy:
    """Each notary deploys the same template, as on AWS in an account of its own; answers whom a verifier may trust."""
    packaged = folder / "witness.yaml"
    built = BUILD / "sam-witness"
    _sam(
        emulator,
        folder,
        "build",
        *("--template", str(ROOT / "infrastructure" / "witness.yaml"), "--build-dir", str(built)),
        *("--cached", "--parallel", "--cache-dir", str(EMULATOR_PYTHON.parent.parent / "sam-cache")),
    )
    _sam(
        emulator,
        folder,
        "package",
        *("--template", str(built / "template.yaml"), "--s3-bucket", f"{STACK}-artifacts", "--region", REGION),
        *("--output-template-file", str(packaged)),
    )
    log = _outputs(emulator, STACK)
    log_key = VerifierKey(log["LogOrigin"], _public_key(emulator, log["LogKeyId"]))
    cloudformation = aws_client(emulator, "cloudformation")
    for name in WITNESSES:
        parameters = {
            "Name": f"{name}.example/witness",
            "LogKeys": log_key.text(),
            "GatewayUrl": emulator.url,
            "PythonRuntime": f"python3.{sys.version_info.minor}",
            "DeletionProtection": "false",
        }
        cloudformation.create_stack(
            StackName=name,
            TemplateBody=packaged.read_text(),
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        )
    witnesses, urls = {}, {}
    for name in WITNESSES:
        cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
        found = _outputs(emulator, name)
        key = _public_key(emulator, found["WitnessKeyId"])
        witnesses[name] = VerifierKey(found["WitnessName"], key, COSIGNATURE)
        urls[name] = found["SubmissionUrl"]
        # A process that unpacks its code for the first time answers later than a log waits for its witnesses.
        requests.post(f"{urls[name]}/add-checkpoint", data=b"", timeout=60)
    policy = TrustPolicy((log_key,), witnesses, {"notaries": Group(_QUORUM, WITNESSES)}, "notaries", urls)
    (folder / _TRUST).write_text(policy.text())
    return policy


def _outputs(emulator: Emulator, stack: str) -> dict[str, str]:
    (described,) = aws_client(emulator, "cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}


def _public_key(emulator: Emulator, key_id: str) -> bytes:
    key = aws_client(emulator, "kms").get_public_key(KeyId=key_id)["PublicKey"]
    raw = load_der_public_key(key if isinstance(key, bytes) else b64decode(key))
    return raw.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _answer_as_the_template_says(emulator: Emulator) -> None:
    """The emulator takes no gateway responses from an API's body, as AWS does: hand it the template's own."""
    template = aws_client(emulator, "cloudformation").get_template(StackName=STACK, TemplateStage="Processed")
    body = template["TemplateBody"]["Resources"]["PartnerApi"]["Properties"]["Body"]
    gateway = aws_client(emulator, "apigateway")
    (found,) = aws_client(emulator, "cloudformation").describe_stack_resources(
        StackName=STACK, LogicalResourceId="PartnerApi"
    )["StackResources"]
    api = found["PhysicalResourceId"]
    for kind, response in body["x-amazon-apigateway-gateway-responses"].items():
        gateway.put_gateway_response(restApiId=api, responseType=kind, **response)
    (stage,) = gateway.get_stages(restApiId=api)["item"]
    gateway.create_deployment(restApiId=api, stageName=stage["stageName"])


def _bound_as_the_template_says(emulator: Emulator, tasks_at_once: int) -> None:
    """The emulator takes no reserved concurrency from a template: tell it by its API."""
    cloudformation, functions = aws_client(emulator, "cloudformation"), aws_client(emulator, "lambda")
    template = cloudformation.get_template(StackName=STACK, TemplateStage="Processed")["TemplateBody"]
    for found in cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]:
        properties = template["Resources"][found["LogicalResourceId"]].get("Properties", {})
        reserved = properties.get("ReservedConcurrentExecutions")
        if reserved is not None:
            functions.put_function_concurrency(
                FunctionName=found["PhysicalResourceId"],
                ReservedConcurrentExecutions=tasks_at_once if isinstance(reserved, dict) else int(reserved),
            )


def _sam(emulator: Emulator, folder: Path, *arguments: str) -> None:
    log = folder / f"sam-{arguments[0]}.log"
    settings = {
        "AWS_ENDPOINT_URL": emulator.url,
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.3",
        "LAYER_PYTHON": str(EMULATOR_PYTHON),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    with log.open("w") as output:
        done = subprocess.run(
            [str(SAM), *arguments],
            cwd=ROOT,
            env={**os.environ, **CREDENTIALS, **settings},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode != 0:
        tail = "\n".join(log.read_text().splitlines()[-15:])
        raise RuntimeError(f"sam {arguments[0]} failed; its log is {log} and ends:\n{tail}")


def _describe(emulator: Emulator, folder: Path) -> Stack:
    outputs = _outputs(emulator, STACK)
    return Stack(
        emulator_pid=emulator.pid,
        emulator_port=emulator.port,
        base_url=outputs["BaseUrl"],
        sandbox_url=outputs["SandboxUrl"],
        discount_machine_arn=outputs["DiscountStateMachineArn"],
        registration_machine_arn=outputs["RegistrationStateMachineArn"],
        business_table=outputs["BusinessTable"],
        keys=str(folder / "keys"),
        log_url=outputs["LogUrl"],
        trust=str(folder / _TRUST),
        feed_url=outputs["FeedUrl"].replace("http", "ws", 1),
    )


def main(command: str) -> int:
    """``up`` keeps the stack running in build/local and says where; ``down`` stops it."""
    if command == "down":
        print("The stack is stopped." if down(LOCAL) else "No stack was running; `make up` starts one.")
        return 0
    running = load(LOCAL)
    if running is None:
        began = time.monotonic()
        LOCAL.mkdir(parents=True, exist_ok=True)
        running = up(LOCAL, lambda step: print(f"  {time.monotonic() - began:5.1f} s  {step}", flush=True))
    print(f"API            {running.base_url}")
    print(f"Console        {running.base_url}/console")
    print(f"Sandbox        {running.sandbox_url}")
    print(f"Partner keys   {running.keys}")
    print(f"Evidence log   {running.log_url}")
    print(f"Trust policy   {running.trust}")
    print(f"Feed           {running.feed_url}")
    print("Next: read docs/api.md for the routes; `make down` stops the stack.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
