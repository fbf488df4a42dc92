"""The mutation score: which tests can notice a change, when a verdict is stale, what the page says."""

import pytest

from mutation import fingerprint, module_name, reached, reaching_tests
from mutation_report import Measured, Survivor, percent, render, shortened, totals
from mutation_stage import changed_code, changed_line

SOURCES = {
    "rongtong/__init__.py": b"",
    "rongtong/domain/__init__.py": b"",
    "rongtong/domain/errors.py": b"",
    "rongtong/domain/money.py": b"from rongtong.domain.errors import InvalidInputError\n",
    "rongtong/domain/tree.py": b"def grow():\n    from rongtong.domain import errors\n",
    "tests/unit/domain/test_money.py": b"import rongtong.domain.money\n",
    "tests/unit/domain/test_tree.py": b"from rongtong.domain.tree import grow\n",
    "tests/vectors.json": b"{}",
    "requirements/dev.txt": b"mutmut==1\n",
}
DIFF = """--- rongtong/domain/money.py
+++ rongtong/domain/money.py
@@ -4,5 +4,5 @@
     first = 1
     second = 2
-    --first
+    ++first
     return first"""
MEASURED = [
    Measured("money", "", 1999, (Survivor("Fen.add", 3, "a + b", "a - b"),)),
    Measured("reasons", "", 0, ()),
]


def test_a_file_reaches_what_it_imports_directly_within_functions_and_through_others():
    assert reached("tests/unit/domain/test_money.py", SOURCES) == {
        "tests/unit/domain/test_money.py",
        "rongtong/__init__.py",
        "rongtong/domain/__init__.py",
        "rongtong/domain/money.py",
        "rongtong/domain/errors.py",
    }
    assert "rongtong/domain/errors.py" in reached("rongtong/domain/tree.py", SOURCES)


def test_only_tests_that_reach_a_module_are_run_for_it():
    assert reaching_tests("rongtong/domain/money.py", SOURCES) == ["tests/unit/domain/test_money.py"]
    assert len(reaching_tests("rongtong/domain/errors.py", SOURCES)) == 2


@pytest.mark.parametrize(
    ("changed", "stale"),
    [
        ("rongtong/domain/money.py", True),
        ("rongtong/domain/errors.py", True),
        ("tests/unit/domain/test_money.py", True),
        ("tests/unit/domain/conftest.py", True),
        ("tests/vectors.json", True),
        ("requirements/dev.txt", True),
        ("rongtong/domain/tree.py", False),
        ("tests/unit/domain/test_tree.py", False),
    ],
)
def test_a_verdict_is_stale_when_anything_that_sways_it_changed(changed, stale):
    place = "rongtong/domain/money.py"
    after = {**SOURCES, changed: SOURCES.get(changed, b"") + b"# changed\n"}
    assert (fingerprint(place, after) != fingerprint(place, SOURCES)) is stale


def test_a_module_is_named_below_the_domain():
    assert module_name("rongtong/domain/risk/rules.py") == "risk.rules"


def test_a_change_is_told_in_one_line_with_its_place():
    assert (changed_code(DIFF), changed_line(DIFF)) == (("--first", "++first"), 6)


def test_a_score_is_rounded_down():
    assert (percent(1999, 2000), percent(8499, 10_000), percent(5, 5), percent(0, 0)) == (
        "99.9 %",
        "84.9 %",
        "100.0 %",
        "–",
    )


def test_the_page_counts_every_module_and_lists_every_survivor():
    assert totals(MEASURED) == (1999, 2000)
    lines = render(MEASURED).splitlines()
    assert "| money | 2000 | 1999 | 1 | 99.9 % |" in lines
    assert "| reasons | 0 | 0 | 0 | – |" in lines
    assert "| **all** | 2000 | 1999 | 1 | 99.9 % |" in lines
    assert lines[-3:] == ["### money", "", "- Fen.add, line 3: `a + b → a - b`"]


def test_code_with_back_quotes_is_fenced_by_more_of_them():
    page = render([Measured("money", "", 0, (Survivor("add", 1, "`a`", "`b`"),))])
    assert page.endswith("- add, line 1: ``` `a` → `b` ```\n")


def test_a_file_of_the_tests_folder_is_reached_by_its_bare_name():
    sources = {**SOURCES, "tests/builders.py": b"import rongtong.domain.tree\n"}
    sources["tests/unit/domain/test_money.py"] = b"from builders import bill\n"
    assert reaching_tests("rongtong/domain/tree.py", sources) == [
        "tests/unit/domain/test_money.py",
        "tests/unit/domain/test_tree.py",
    ]


def test_of_a_long_change_what_both_sides_share_is_cut():
    old, new = (f"raise Refused({'x' * 60!r}, code={code}, field={'y' * 60!r})" for code in ("'A'", "None"))
    assert shortened(old, new) == " → ".join(
        f"…{'x' * 12}', code={code}, field='{'y' * 11}…" for code in ("'A'", "None")
    )
    assert shortened(old[:30], old[:28]) == f"{old[:30]} → {old[:28]}"


def test_a_long_change_that_shares_nothing_shows_its_ends():
    shown = shortened("a" * 300 + "b", "c" * 300 + "d")
    assert shown == f"{'a' * 33}…{'a' * 32}b → {'c' * 33}…{'c' * 32}d"
    assert len(shown) <= 140


def test_a_page_without_survivors_says_so():
    assert render(MEASURED[1:]).endswith("## Survivors\n\nNone.\n")
