"""Going back to an earlier wording makes another version."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from integrations.models import Shop
from segsync.rules.edit import VersionConflict, change_rule, create_segment, roll_back
from segsync.rules.errors import RuleError
from segsync.rules.models import Segment, SegmentVersion
from tests.factories import NOON

LATER = NOON + timedelta(hours=1)


@pytest.fixture
def twice(shop: Shop) -> Segment:
    """A segment whose rule was changed once."""
    made = create_segment(shop, handle="loyal", name="Loyal", description="", rule="number_of_orders >= 2", author=None, now=NOON)
    change_rule(made, "number_of_orders >= 5", author=None, reason="", now=NOON)
    return made


def test_the_old_wording_is_in_force_as_a_version_of_its_own(twice: Segment, admin_user: User) -> None:
    version = roll_back(twice, 1, admin_user, "Too strict", LATER)
    assert version is not None
    assert (version.number, version.rule, version.author, version.reason, version.created_at) == (3, "number_of_orders >= 2", admin_user, "Too strict", LATER)
    twice.refresh_from_db()
    assert twice.version == version
    assert list(twice.versions.values_list("rule", flat=True)) == ["number_of_orders >= 2", "number_of_orders >= 5", "number_of_orders >= 2"]


def test_going_back_to_what_is_in_force_makes_no_version(twice: Segment) -> None:
    assert roll_back(twice, 2, None, "", LATER) is None
    assert twice.versions.count() == 2


def test_without_a_reason_the_version_says_where_it_comes_from(twice: Segment) -> None:
    version = roll_back(twice, 1, None, "", LATER)
    assert version is not None
    assert version.reason == "Back to version 1."


def test_a_version_saved_meanwhile_is_not_written_over(twice: Segment) -> None:
    with pytest.raises(VersionConflict, match="Version 2 was saved meanwhile"):
        roll_back(twice, 1, None, "", LATER, seen=1)
    assert twice.versions.count() == 2


def test_a_wording_that_means_nothing_any_more_is_refused(twice: Segment) -> None:
    SegmentVersion.objects.filter(number=1).update(rule="segments CONTAINS 'gone'")
    with pytest.raises(RuleError, match="is not the handle of a segment"):
        roll_back(twice, 1, None, "", LATER)
    with pytest.raises(SegmentVersion.DoesNotExist):
        roll_back(twice, 9, None, "", LATER)
    twice.refresh_from_db()
    assert twice.version is not None
    assert twice.version.number == 2
