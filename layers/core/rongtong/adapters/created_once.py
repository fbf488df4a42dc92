"""Objects of S3 that are created and never replaced."""

from __future__ import annotations

import random
import time
from typing import Any

from botocore.exceptions import ClientError

_TAKEN = "PreconditionFailed"
_MEETING = "ConditionalRequestConflict"
"""Another put of the same key is under way: it may still fail."""
_ATTEMPTS = 5


def create_once(s3: Any, bucket: str, key: str, content: bytes) -> bool:
    """Create an object; False, and no change, where one is, whatever it holds.

    Who meets another creation of the same key tries again. Raises ClientError.
    """
    for attempt in range(_ATTEMPTS):
        try:
            s3.put_object(Bucket=bucket, Key=key, Body=content, IfNoneMatch="*")
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == _TAKEN:
                return False
            if code != _MEETING or attempt + 1 == _ATTEMPTS:
                raise
            time.sleep(random.uniform(0, 0.02 * 2**attempt))
        else:
            return True
    raise AssertionError("the last attempt returns or raises")
