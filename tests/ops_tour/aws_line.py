"""``aws SERVICE OPERATION --name value…`` as runbooks write it, on the emulator: the tour's stand-in for the AWS CLI.

It knows operations whose parameters are texts and numbers, which is what runbooks use.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import boto3
from botocore import xform_name


def main(words: list[str]) -> int:
    """Call the operation and print its answer."""
    service, operation, *given = words
    client: Any = boto3.client(service, endpoint_url=os.environ["AWS_ENDPOINT_URL"], region_name="us-east-1")
    named = {xform_name(one, "-"): one for one in client.meta.service_model.operation_names}[operation]
    members = client.meta.service_model.operation_model(named).input_shape.members
    by_flag = {"--" + xform_name(member, "-"): member for member in members}
    values: dict[str, Any] = {}
    for flag, text in zip(given[::2], given[1::2], strict=True):
        member = by_flag[flag]
        values[member] = int(text) if members[member].type_name in ("integer", "long") else text
    answer = getattr(client, xform_name(named))(**values)
    answer.pop("ResponseMetadata", None)
    print(json.dumps(answer, default=str, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
