"""What audits found, as people see it: in numbers, by kind, with names that are masked, and as a file."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from integrations.models import Connection, Shop
from segsync import clock
from segsync.console.audits import SHOWN
from segsync.push.models import Audit, AuditedTarget, Finding
from tests.console.rows import connect, person, segment, target


@pytest.fixture
def audit(shop: Shop) -> Audit:
    """One place with a mark that was taken away, one of a stranger, and one who cannot take more."""
    connection = connect(shop)
    place, now = target(connection, segment(shop)), clock.now()
    made = Audit.objects.create(shop=shop, connection=connection, status="done", started_at=now, finished_at=now)
    AuditedTarget.objects.create(shop=shop, audit=made, target=place, right=197, missing=2, extra=1, foreign=1, limit=1, repaired=2, finished_at=now)
    ann, bob = person(shop, 1, "ann@example.test"), person(shop, 2, "=cmd@example.test")
    for who, kind, done, detail in ((ann, "missing", "put_back", ""), (bob, "limit", "", "=1+1")):
        profile = who.profiles.get()
        Finding.objects.create(
            shop=shop, audit=made, target=place, profile=profile, external_id=profile.external_id, kind=kind, done=done, detail=detail, found_at=now
        )
    Finding.objects.create(shop=shop, audit=made, target=place, external_id="9009", kind="foreign", found_at=now)
    return made


def page(client: Client, address: str, **query: object) -> str:
    answer = client.get(address, query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_audit_tells_how_much_drifted_and_what_became_of_it(audit: Audit, admin_client: Client) -> None:
    told = page(admin_client, f"/admin/push/audit/{audit.pk}/change/")
    for words in ("197 right", "1.50 %", "Taken away by somebody else", "put back", "Not ours, never touched", "9009"):
        assert words in told, words
    listed = page(admin_client, "/admin/push/audit/")
    assert "2 missing" in listed
    assert "1.50 %" in listed


def test_names_are_masked(audit: Audit, admin_client: Client) -> None:
    for address in (f"/admin/push/audit/{audit.pk}/change/", f"/admin/push/audit/{audit.pk}/findings.csv", "/admin/push/finding/"):
        answer = admin_client.get(address)
        told = b"".join(answer.streaming_content).decode() if answer.streaming else answer.content.decode()  # type: ignore[attr-defined]
        assert "ann@example.test" not in told
        if "finding/" not in address:
            assert "a…@example.test" in told


def test_everything_found_is_had_as_a_file_that_a_spreadsheet_does_not_carry_out(audit: Audit, admin_client: Client) -> None:
    answer = admin_client.get(f"/admin/push/audit/{audit.pk}/findings.csv")
    assert "attachment" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(StringIO(b"".join(answer.streaming_content).decode())))  # type: ignore[attr-defined]
    assert [(row["finding"], row["record"], row["person"], row["done"]) for row in rows] == [
        ("missing", "7001", "a…@example.test", "put back"),
        ("limit", "7002", "'=…@example.test", "nothing"),
        ("foreign", "9009", "", "nothing"),
    ]
    assert rows[1]["detail"] == "'=1+1"


def test_findings_are_filtered_by_what_was_found(audit: Audit, admin_client: Client) -> None:
    told = page(admin_client, "/admin/push/finding/", kind__exact="missing", in_audit=audit.pk)
    assert "7001" in told
    assert "7002" not in told


def test_only_some_of_many_are_shown_and_the_page_says_so(audit: Audit, admin_client: Client) -> None:
    place = audit.targets.get()
    Finding.objects.bulk_create(
        Finding(shop=audit.shop, audit=audit, target=place.target, external_id=str(n), kind="foreign", found_at=clock.now()) for n in range(9_010, 9_100)
    )
    AuditedTarget.objects.update(foreign=12_345)
    told = page(admin_client, f"/admin/push/audit/{audit.pk}/change/")
    assert f"The first {SHOWN} of 12,345 findings." in told
    assert "kind__exact=foreign" in told


def test_auditing_now_asks_first_and_makes_an_audit_due(audit: Audit, admin_client: Client) -> None:
    for address in (f"/admin/integrations/connection/{audit.connection_id}/audit_now/", f"/admin/push/audit/{audit.pk}/audit_again/"):
        Audit.objects.exclude(pk=audit.pk).delete()
        assert "read back" in admin_client.get(address).content.decode()
        assert Audit.objects.count() == 1
        answer = admin_client.post(address, {"_form_submitted": "on"})
        made = Audit.objects.get(finished_at__isnull=True)
        assert answer.headers["HX-Redirect"] == f"/admin/push/audit/{made.pk}/change/"
        assert made.due_at is not None
        assert made.due_at <= clock.now()
        assert (made.asked_by, made.cause) == (User.objects.get(), Audit.Cause.ASKED)


def test_whoever_may_only_look_cannot_ask_for_an_audit(audit: Audit, client: Client) -> None:
    reader = User.objects.create_user("reader", password="a-long-password", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_audit"), Permission.objects.get(codename="view_connection"))
    client.force_login(reader)
    assert client.post(f"/admin/integrations/connection/{audit.connection_id}/audit_now/", {"_form_submitted": "on"}).status_code == 403
    assert client.post(f"/admin/push/audit/{audit.pk}/audit_again/", {"_form_submitted": "on"}).status_code == 403
    assert client.get(f"/admin/push/audit/{audit.pk}/findings.csv").status_code == 200
    stranger = User.objects.create_user("stranger", password="a-long-password", is_staff=True)
    client.force_login(stranger)
    assert client.get(f"/admin/push/audit/{audit.pk}/findings.csv").status_code == 403
    assert Audit.objects.count() == 1


def test_the_overview_tells_of_an_audit_that_found_much_or_did_not_end(audit: Audit, admin_client: Client) -> None:
    assert "1.5% of the marks had been changed" in page(admin_client, "/admin/")
    Audit.objects.update(status="failed", problem="Shopify said no.")
    assert "did not end: Shopify said no." in page(admin_client, "/admin/")
    now = clock.now()
    Audit.objects.create(shop=audit.shop, connection=Connection.objects.get(), status="done", started_at=now, finished_at=now)
    assert "audit of" not in page(admin_client, "/admin/")
