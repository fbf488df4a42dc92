"""The console at the running stack: served below the gateway's path, and its signatures taken there."""

from pathlib import Path

import requests

from console_node import APP, IDS, told_by


def test_the_page_is_served_to_everybody_with_its_own_headers(deployed):
    got = requests.get(f"{deployed.stack.base_url}/console", timeout=30)
    assert (got.status_code, got.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "connect-src 'self'" in got.headers["Content-Security-Policy"]
    missing = requests.get(f"{deployed.stack.base_url}/console/app.py", timeout=30)
    assert (missing.status_code, missing.json()["code"]) == (404, "NOT_FOUND")


def test_a_reviewer_signs_in_finds_what_waits_and_decides_it(deployed):
    bill = [bill for bill in deployed.samples if bill.expected == "in_review"][-1]
    discount_id = deployed.submit(bill)
    deployed.until(discount_id, "IN_REVIEW")
    script = """
    await signIn("operations");
    await until(() => links().length > 0);
    location.hash = "reviews";
    await until(() => words().includes("dsc_"));
    const waiting = elements(at("main")).filter((one) => one.name === "tr" && one.textContent.includes(given.discount));
    await press(waiting[0], "打开");
    await until(() => buttons(at("main")).includes("拒绝"));
    await press(at("main"), "拒绝");
    await fill({ note: "FILES_MISSING" });
    await until(() => at("said").textContent.includes("已完成"));
    tell(waiting.length);
    """
    keys = {"operations": (Path(deployed.stack.keys) / "operations.pem").read_text()}
    base = deployed.stack.base_url
    assert told_by(APP + script, base=base, keys=keys, ids=IDS, discount=discount_id) == 1
    assert deployed.until(discount_id, "REFUSED")["reason"] == "PARTY_REFUSED"
