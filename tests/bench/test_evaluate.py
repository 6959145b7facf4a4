"""The benchmark measures two ways to the same people."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from segsync.bench.workload import workload


def test_fifty_rules_give_the_people_of_the_statements_written_by_hand(tmp_path: Path, settings: Settings) -> None:
    settings.VAR_DIR = tmp_path
    out = StringIO()
    sizes = ("--customers", "500", "--orders", "4000", "--activities", "6000", "--rules", "50", "--repeat", "1")
    call_command("bench", "evaluate", *sizes, "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert told["differing_rules"] == []
    assert (told["customers"], told["rules"]) == (500, 50)
    assert all(told[name] > 0 for name in ("evaluator_seconds", "by_hand_seconds", "ratio", "compile_seconds", "peak_memory"))


def test_the_fifty_rules_are_all_different() -> None:
    assert len({question.rule for question in workload(50)}) == 50


def test_a_size_that_means_nothing_is_refused() -> None:
    with pytest.raises(CommandError, match="--orders must be 1 or more"):
        call_command("bench", "evaluate", "--orders", "0")
