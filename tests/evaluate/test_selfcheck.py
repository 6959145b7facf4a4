"""After a whole evaluation some customers are judged again by the interpreter, and a difference is told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django.fixtures import Settings

from integrations.models import Shop
from segsync.evaluate import judge, selfcheck
from segsync.evaluate.models import Disagreement, Membership, WholeRun
from tests.evaluate.test_judge import segment, whole
from tests.factories import NOON, customer, tell


@pytest.fixture
def people(shop: Shop) -> None:
    tell(shop, "shopify", *(customer(str(n), orders=n) for n in range(1, 31)))


@pytest.mark.usefixtures("people")
def test_a_sample_is_judged_again_and_agrees(shop: Shop, settings: Settings) -> None:
    settings.SEGSYNC_SELF_CHECK = 20
    segment(shop, "number_of_orders >= 3")
    whole(shop)
    run = WholeRun.objects.get()
    assert 0 < run.checked <= 20
    assert (run.disagreements, Disagreement.objects.count()) == (0, 0)


@pytest.mark.usefixtures("people", "columnar")
def test_an_evaluator_that_is_wrong_is_found_out(shop: Shop, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    settings.SEGSYNC_SELF_CHECK = 400
    some = segment(shop, "number_of_orders >= 3")
    real = judge.judge_by_columns

    def forgetful(*arguments: object, **more: object) -> object:
        outcome = real(*arguments, **more)  # type: ignore[arg-type]
        Membership.objects.filter(segment=some).delete()
        return outcome

    monkeypatch.setattr(judge, "judge_by_columns", forgetful)
    whole(shop)
    run = WholeRun.objects.get()
    assert run.disagreements == Disagreement.objects.filter(segment=some, stored=False).count() > 0


@pytest.mark.usefixtures("people")
def test_it_can_be_turned_off(shop: Shop, settings: Settings) -> None:
    settings.SEGSYNC_SELF_CHECK = 0
    segment(shop, "number_of_orders >= 3")
    whole(shop)
    assert WholeRun.objects.get().checked == 0


@pytest.mark.usefixtures("people")
def test_whoever_changed_meanwhile_is_left_out(shop: Shop, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SEGSYNC_SELF_CHECK = 400
    segment(shop, "number_of_orders >= 3")
    real = selfcheck.compare

    def late(*arguments: object) -> object:
        later = NOON + timedelta(seconds=1)
        tell(shop, "shopify", *(customer(str(n), orders=0, version=later) for n in range(1, 31)), now=later)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(selfcheck, "compare", late)
    whole(shop)
    assert (WholeRun.objects.get().checked, Disagreement.objects.count()) == (0, 0)
