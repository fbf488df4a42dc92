"""The quick start of the docs runs as written against the deployed stack."""

import quickstart


def test_ten_lines_lead_from_a_key_to_a_paid_discount(deployed, tmp_path):
    stack = deployed.stack
    printed = quickstart.run(tmp_path, base_url=stack.base_url, sandbox_url=stack.sandbox_url, keys=stack.keys)
    assert printed.startswith("DISBURSED ")
