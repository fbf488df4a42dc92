"""Check a receipt offline: ``python -m rongtong.verify RECEIPT.json [--log-key FILE]``.

Needs this package's domain folder, `cryptography` and `rfc8785`, no network and no trust in the platform: only the
log's public key, which a verifier pins once. By default that is the file ``log-key.txt`` beside the receipt or in a
folder above it; for a receipt that came from elsewhere, name your own pinned key.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rongtong.domain.receipt import ReceiptError, verify_receipt

_KEY_FILE = "log-key.txt"


def main(arguments: list[str] | None = None) -> int:
    """0 and one line of what is proved, or 1 and why not."""
    parser = argparse.ArgumentParser(
        prog="python -m rongtong.verify", description="Check a discount's receipt offline."
    )
    parser.add_argument("receipt", type=Path, help="the receipt, exactly as received")
    parser.add_argument("--log-key", type=Path, help=f"the pinned log key (default: the nearest {_KEY_FILE})")
    options = parser.parse_args(arguments)
    try:
        key_file = options.log_key or _nearest_key(options.receipt)
        key = key_file.read_text(encoding="utf-8")
        proved = verify_receipt(options.receipt.read_bytes(), key)
    except ReceiptError as error:
        print(f"REFUSED {error.code}: {error}")
        return 1
    except (OSError, UnicodeDecodeError) as error:
        print(f"REFUSED cannot read: {error}")
        return 1
    print(
        f"OK {proved.discount_id}: {len(proved.events)} events ({', '.join(proved.events)}) "
        f"are in the log {proved.log_name} at size {proved.tree_size}, signed with the key in {key_file}"
    )
    return 0


def _nearest_key(receipt: Path) -> Path:
    for folder in receipt.resolve().parents:
        if (folder / _KEY_FILE).is_file():
            return folder / _KEY_FILE
    return receipt.parent / _KEY_FILE


if __name__ == "__main__":
    sys.exit(main())
