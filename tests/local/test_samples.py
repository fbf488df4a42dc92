"""The sample files are what the generator makes: no person, company or account in them is real."""

import json
import re

import pytest

import make_samples
from paths import SAMPLES

WRITTEN = ("institutions", "enterprises", "companies", "policy", "limits", "acceptors", "lists")
FILES = [*[f"{name}.json" for name in WRITTEN], "bills.csv", "warm_up.csv"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder that the generator has written just now."""
    folder = tmp_path_factory.mktemp("samples")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(make_samples, "SAMPLES", folder)
        make_samples.main()
    return folder


@pytest.mark.parametrize("name", FILES)
def test_a_sample_file_is_what_the_generator_makes(made, name):
    assert (SAMPLES / name).read_bytes() == (made / name).read_bytes()


def test_every_sample_file_is_made_by_the_generator(made):
    assert sorted(path.name for path in made.iterdir()) == sorted(FILES)
    assert sorted(path.name for path in SAMPLES.iterdir() if path.suffix in (".csv", ".json")) == sorted(FILES)


def test_persons_companies_and_numbers_of_the_samples_are_plainly_none():
    for enterprise in json.loads((SAMPLES / "enterprises.json").read_text(encoding="utf-8")):
        assert enterprise["name"].startswith("示例")
        assert enterprise["legal_representative"].startswith("样本")
        assert re.fullmatch(r"1380000\d{4}", enterprise["mobile"])
    for company in json.loads((SAMPLES / "companies.json").read_text(encoding="utf-8")):
        assert company["name"].startswith("示例")
