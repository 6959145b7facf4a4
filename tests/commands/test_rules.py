"""`manage.py rules`: mistakes at the command line."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.rules.test_errors import MISTAKES, OVER_A_LIMIT

RULE = "number_of_orders=1 and  (amount_spent>5 or customer_tags contains 'vip') -- new and good\n"


def said(*words: str) -> str:
    out = io.StringIO()
    call_command("rules", *words, stdout=out)
    return out.getvalue()


def complaint(text: str) -> str:
    with pytest.raises(CommandError) as caught:
        said("check", f"--rule={text}")  # joined, for texts that begin with a dash
    return str(caught.value)


def test_a_rule_in_order_is_read_back(tmp_path: Path) -> None:
    (tmp_path / "rule").write_text("\ufeff" + RULE, encoding="utf-8")
    assert said("check", str(tmp_path / "rule")).startswith("The rule is in order: Customers whose number of orders is 1 and")
    assert said("check", "--rule", RULE) == said("check", str(tmp_path / "rule"))


def test_formatting_twice_changes_nothing() -> None:
    once = said("format", "--rule", RULE)
    assert once == "number_of_orders = 1 AND (amount_spent > 5 OR customer_tags CONTAINS 'vip')  -- new and good\n"
    assert said("format", "--rule", once) == once


def test_a_mistake_is_shown_with_a_caret_under_it() -> None:
    assert complaint("number_of_orders >= 1\r\n  AND\tamount_spend > 5") == (
        "Line 2, column 7: `amount_spend` is not an attribute. Did you mean `amount_spent`?\n    AND·amount_spend > 5\n        ^"
    )


def test_the_caret_stands_right_after_wide_and_unseen_characters() -> None:
    *_, line, caret = complaint("customer_language = '日本' AND x = 1").split("\n")
    assert line.index("x") + 2 == caret.index("^")  # two characters of two columns each
    *_, line, caret = complaint("customer_language = 'a\u202eb'").split("\n")
    assert line[caret.index("^")] == "·"


def test_a_long_line_is_cut_around_the_mistake() -> None:
    message, line, caret = complaint(" OR ".join(["number_of_orders = 1"] * 90) + " OR x = 1 OR " + " OR ".join(["number_of_orders = 1"] * 50)).split("\n")
    assert len(line) < 110
    assert (line[caret.index("^")], line[2], line[-1]) == ("x", "…", "…")
    assert "`x` is not an attribute" in message


@pytest.mark.parametrize("text", [text for text, *_ in (*MISTAKES, *OVER_A_LIMIT)])
def test_every_mistake_gets_one_printable_complaint_at_once(text: str) -> None:
    began = time.perf_counter()
    message, line, caret = complaint(text).split("\n")
    assert time.perf_counter() - began < 1
    assert message.startswith("Line ")
    assert line.isprintable()
    assert caret.strip() == "^"
    f"{message}{line}".encode()  # what a terminal is sent can be encoded


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"number_of_orders \xff= 1", r"not UTF-8 text \(byte 18\)"),
        (b"x" * 300_000, "larger than any rule"),
        (b"number_of_orders\x00 = 1", r"U\+0000"),
        (b"", "the rule is empty"),
    ],
)
def test_a_file_that_is_no_rule_is_refused(tmp_path: Path, content: bytes, part: str) -> None:
    (tmp_path / "rule").write_bytes(content)
    for verb in ("check", "format"):
        with pytest.raises(CommandError, match=part):
            said(verb, str(tmp_path / "rule"))


def test_no_file_and_no_rule_or_both_are_refused(tmp_path: Path) -> None:
    for words in ((), (str(tmp_path), "--rule", RULE)):
        with pytest.raises(CommandError, match="Give one rule"):
            said("check", *words)
    for path in (tmp_path, tmp_path / "none", "a\x00b"):
        with pytest.raises(CommandError, match="cannot be read"):
            said("check", str(path))


def test_the_exit_code_is_1_for_a_mistake_and_standard_input_is_read() -> None:
    def run(text: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", "rules", "format", "-"]
        return subprocess.run(command, input=text, capture_output=True, text=True, check=False)

    good, bad = run(RULE), run("number_of_orders = \n")
    assert (good.returncode, good.stdout) == (0, said("format", "--rule", RULE))
    assert (bad.returncode, bad.stdout) == (1, "")
    assert bad.stderr.rstrip().endswith("^")


def test_the_reference_page_is_printed_and_a_stale_copy_of_it_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(said("reference"), encoding="utf-8")
    assert "is what the catalogue says" in said("reference", "--check", str(page))
    page.write_text("old", encoding="utf-8")
    with pytest.raises(CommandError, match="is not what the catalogue says; write it anew"):
        said("reference", "--check", str(page))
    with pytest.raises(CommandError, match="cannot be read"):
        said("reference", "--check", str(tmp_path))
