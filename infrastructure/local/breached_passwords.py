"""Writes the list of breached passwords that the platform ships, from text files with one password a line.

The shipped one holds those of at least four characters of two lists: Django's (20,000 common passwords,
`django/contrib/auth/common-passwords.txt.gz` of Django 5.2, BSD) and zxcvbn's (30,000 by frequency,
`zxcvbn/frequency_lists.py` of zxcvbn 4.5, MIT). Whoever has a larger one writes it over: the format is the same.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rongtong.adapters import breached_passwords

_LENGTH_MIN = 4


def main() -> None:
    """Read the lists, write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lists", nargs="+", type=Path)
    parser.add_argument(
        "--out", type=Path, default=Path(breached_passwords.__file__).with_name("breached_passwords.bin")
    )
    asked = parser.parse_args()
    lines = {line for path in asked.lists for line in path.read_text(encoding="utf-8").splitlines()}
    content = breached_passwords.packed(line for line in lines if len(line) >= _LENGTH_MIN)
    asked.out.write_bytes(content)
    print(f"{len(content)} bytes in {asked.out}")


if __name__ == "__main__":
    main()
