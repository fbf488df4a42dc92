"""The sample data's names under the rule by which lists compare names."""

import csv

from paths import SAMPLES
from rongtong.domain.names import normalised_name
from sample_file import read_json


def test_no_two_names_of_the_sample_file_become_one():
    names = {row["name"] for file in ("companies", "enterprises", "institutions") for row in read_json(f"{file}.json")}
    with (SAMPLES / "bills.csv").open(encoding="utf-8", newline="") as rows:
        names |= {row["acceptor_name"] for row in csv.DictReader(rows)}
    assert len(names) > 40
    assert len({normalised_name(name) for name in names}) == len(names)
