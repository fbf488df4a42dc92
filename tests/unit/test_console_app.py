"""The console from its first file on, as it is served: who may sign in, what is shown, when it is forgotten."""

import pytest

from console_api import running_console_api
from console_node import APP, IDS, SECTIONS, told_by


@pytest.fixture
def api():
    with running_console_api() as running:
        yield running


def _does(api, script, **given):
    return told_by(APP + script, base=api.base_url, keys=api.keys, ids=IDS, **given)


def test_whoever_signs_in_sees_the_sections_of_the_keys_role(api):
    script = """
    const told = {};
    for (const caller of ["operations", "sample-institution"]) {
      const named = await signIn(caller);
      await until(() => links().length > 0 && !words().includes("读取中"));
      told[caller] = [named, at("who").textContent, links(), at("nav").textContent];
      await press(at("tools"), "退出");
    }
    tell(told);
    """
    told = _does(api, script)
    named, who, links, nav = told["operations"]
    assert (named, links) == ("operations#1", [f"#{name}" for name in SECTIONS])
    assert "operations#1" in who
    assert "无权" not in nav
    assert told["sample-institution"][2] == ["#portfolio", "#discounts", "#terms"]


def test_a_key_with_one_scope_sees_its_section_and_is_told_which_ones_it_may_not_use(api):
    item = api.platform.context.store.get("partner#operations", "state")
    keys = {"1": {**item.body["keys"]["1"], "scopes": ["operations:complaints"]}}
    api.platform.context.store.transact([item.replaced({**item.body, "keys": keys})])
    script = """
    await signIn("operations");
    await until(() => links().length > 0);
    tell([links(), at("nav").textContent]);
    """
    links, nav = _does(api, script)
    assert links == ["#complaints"]
    assert all(word in nav for word in ("无权", "总览", "事件处置", "双人变更"))


@pytest.mark.parametrize(
    ("caller", "key", "code"),
    [
        ("partner-a", "partner-a", "no_section"),
        ("operations", "operations-2", "SIGNATURE_INVALID"),
        ("nobody", "operations", "SIGNATURE_INVALID"),
    ],
    ids=["of a partner", "of somebody else", "of nobody"],
)
def test_a_key_that_may_use_nothing_is_not_signed_in_and_told_why(api, caller, key, code):
    script = """
    await signIn(given.caller, given.keys[given.key]);
    tell([words(), links(), at("who").hidden]);
    """
    text, links, is_hidden = _does(api, script, caller=caller, key=key)
    assert code in text
    assert (links, is_hidden) == ([], True)


_LEFT = """
await signIn("operations");
location.hash = "jobs";
await until(() => words().includes("reconciliation"));
const before = words();
await WAY;
await until(() => words().includes("密钥文件"));
tell([before, words(), links(), at("said").textContent]);
"""


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ('press(at("tools"), "退出")', "已退出"),
        ('dispatch("pagehide")', "已退出"),
        ("pass(15 * 60_000)", "15 分钟"),
    ],
    ids=["signing out", "leaving the page", "a quarter of an hour without use"],
)
def test_the_key_and_what_it_showed_are_gone_after(api, way, said):
    before, after, links, told = _does(api, _LEFT.replace("WAY", way))
    assert "restore_drill" in before
    assert "restore_drill" not in after
    assert (links, said in told) == ([], True)


def test_who_does_something_stays_signed_in(api):
    script = """
    await signIn("operations");
    await until(() => links().length > 0);
    pass(14 * 60_000); dispatch("keydown");
    pass(14 * 60_000); dispatch("pointerdown");
    pass(14 * 60_000);
    tell(links().length);
    """
    assert _does(api, script) == len(SECTIONS)


def test_the_page_speaks_chinese_and_on_request_english(api):
    script = """
    const told = [[document.documentElement.lang, document.title, buttons(at("main"))]];
    await press(at("tools"), "English");
    told.push([document.documentElement.lang, document.title, buttons(at("main"))]);
    tell(told);
    """
    assert _does(api, script) == [["zh-CN", "融通控制台", ["登录"]], ["en", "RongTong console", ["Sign in"]]]


def test_a_section_that_cannot_be_read_says_so_and_the_others_can(api):
    script = """
    await signIn("operations");
    await until(() => words().includes("BreaksOpen") || words().includes("NOT_FOUND"));
    const overview = words();
    const really = fetch;
    globalThis.fetch = async (url, sent) => {
      if (url.includes("/changes")) throw new TypeError("no network");
      return really(url, sent);
    };
    location.hash = "changes";
    await until(() => words().includes("UNREACHED"));
    const changes = words();
    location.hash = "incidents";
    await until(() => words().includes("事件处置") && words().includes("没有。"));
    tell([overview, changes]);
    """
    overview, changes = _does(api, script)
    # The watch has not run yet: that part says so, the cards are there all the same.
    assert all(part in overview for part in ("NOT_FOUND", "人工审核"))
    assert "不会重复执行" in changes
