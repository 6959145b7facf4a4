"""One usable token, whoever asks and however many ask at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from integrations import tokens, vault
from integrations.errors import NeedsReconnect, Transient, UnknownOutcome
from integrations.models import Connection, Credential
from integrations.tokens import TokenSet
from tests.integrations.accounts import NOW, make_tokens

ROOT = Path(__file__).resolve().parents[2]
EXPIRED = NOW + timedelta(hours=2)


class Platform:
    """Grants a new pair for the refresh token it gave last, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, refresh_token: str) -> TokenSet:
        self.asked.append(refresh_token)
        return make_tokens(f"renewed-{len(self.asked)}", now=EXPIRED)


def refused(refresh_token: str) -> TokenSet:
    raise NeedsReconnect("The platform ended the grant; connect again.")


def stored() -> tuple[str, str, int]:
    row = Credential.objects.get()
    return vault.decrypt(row.access_token), vault.decrypt(row.refresh_token or b""), row.version


def test_a_token_that_lives_is_used_without_asking_the_platform(connection: Connection) -> None:
    platform = Platform()
    assert tokens.access_token(connection, platform, now=NOW) == "access-first"
    assert platform.asked == []


def test_five_minutes_before_its_end_the_pair_is_renewed_and_kept_together(connection: Connection) -> None:
    platform = Platform()
    assert tokens.access_token(connection, platform, now=NOW + timedelta(minutes=56)) == "access-renewed-1"
    assert platform.asked == ["refresh-first"]
    assert stored() == ("access-renewed-1", "refresh-renewed-1", 2)


def test_a_token_the_platform_refused_is_renewed_once_although_it_looks_good(connection: Connection) -> None:
    platform = Platform()
    assert tokens.access_token(connection, platform, now=NOW, stale="access-first") == "access-renewed-1"
    assert tokens.access_token(connection, platform, now=NOW, stale="access-first") == "access-renewed-1"
    assert len(platform.asked) == 1


def test_a_platform_that_does_not_rotate_keeps_its_refresh_token(connection: Connection) -> None:
    lasting = TokenSet("access-new", EXPIRED + timedelta(minutes=30), None, None)
    assert tokens.access_token(connection, lambda _: lasting, now=EXPIRED) == "access-new"
    assert stored()[:2] == ("access-new", "refresh-first")


def test_a_refused_grant_marks_the_connection_and_later_calls_do_not_ask_again(connection: Connection) -> None:
    with pytest.raises(NeedsReconnect, match="ended the grant"):
        tokens.access_token(connection, refused, now=EXPIRED)
    connection.refresh_from_db()
    assert (connection.status, connection.reason) == (Connection.Status.NEEDS_RECONNECT, "The platform ended the grant; connect again.")
    platform = Platform()
    with pytest.raises(NeedsReconnect):
        tokens.access_token(connection, platform, now=EXPIRED)
    assert platform.asked == []


def test_fault_24_invalid_grant_because_another_process_was_faster_is_no_fault(connection: Connection) -> None:
    def too_late(refresh_token: str) -> TokenSet:
        tokens.store(connection, make_tokens("winner", now=EXPIRED))
        raise NeedsReconnect("invalid_grant")

    assert tokens.access_token(connection, too_late, now=EXPIRED) == "access-winner"
    connection.refresh_from_db()
    assert connection.status == Connection.Status.CONNECTED


def test_a_result_that_comes_after_a_new_install_is_dropped(connection: Connection) -> None:
    def slow(refresh_token: str) -> TokenSet:
        tokens.store(connection, make_tokens("reinstalled", now=EXPIRED))
        return make_tokens("late", now=EXPIRED)

    assert tokens.access_token(connection, slow, now=EXPIRED) == "access-reinstalled"
    assert stored()[0] == "access-reinstalled"


def test_a_lost_answer_leaves_the_pair_and_the_next_call_tries_again(connection: Connection) -> None:
    def lost(refresh_token: str) -> TokenSet:
        raise UnknownOutcome("no answer")

    with pytest.raises(UnknownOutcome):
        tokens.access_token(connection, lost, now=EXPIRED)
    assert stored() == ("access-first", "refresh-first", 1)
    assert tokens.access_token(connection, Platform(), now=EXPIRED) == "access-renewed-1"


def test_while_somebody_renews_others_use_the_old_token_or_wait_in_vain_but_bounded(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "WAIT", 0.2)
    Credential.objects.update(lease_until=EXPIRED + timedelta(minutes=1), lease_token="somebody")
    platform = Platform()
    assert tokens.access_token(connection, platform, now=NOW + timedelta(minutes=57)) == "access-first"
    with pytest.raises(Transient, match="Another process"):
        tokens.access_token(connection, platform, now=EXPIRED)
    assert platform.asked == []


def test_a_lease_left_by_a_killed_process_runs_out(connection: Connection) -> None:
    Credential.objects.update(lease_until=EXPIRED - timedelta(seconds=1), lease_token="killed")
    assert tokens.access_token(connection, Platform(), now=EXPIRED) == "access-renewed-1"


def test_an_expired_refresh_token_needs_a_person(connection: Connection) -> None:
    with pytest.raises(NeedsReconnect, match="connect the account again"):
        tokens.access_token(connection, Platform(), now=NOW + timedelta(days=91))
    connection.refresh_from_db()
    assert connection.status == Connection.Status.NEEDS_RECONNECT


def test_fault_23_a_second_401_marks_the_connection_unless_the_tokens_are_newer(connection: Connection) -> None:
    assert isinstance(tokens.refused(connection, "an older token"), Transient)
    assert isinstance(tokens.refused(connection, "access-first"), NeedsReconnect)
    connection.refresh_from_db()
    assert connection.status == Connection.Status.NEEDS_RECONNECT


def test_tokens_do_not_show_when_they_are_printed() -> None:
    assert "access-" not in repr(make_tokens())


WORKER = """
import json, sys, threading, urllib.request
from datetime import UTC, datetime, timedelta
import django
django.setup()
from integrations import tokens
from integrations.errors import NeedsReconnect
from integrations.models import Connection
from integrations.tokens import TokenSet

now = datetime.now(UTC)

def refresh(refresh_token):
    request = urllib.request.Request(sys.argv[1], refresh_token.encode(), method="POST")
    answer = json.load(urllib.request.urlopen(request, timeout=20))
    if "error" in answer:
        raise NeedsReconnect(answer["error"])
    return TokenSet(answer["access"], now + timedelta(hours=1), answer["refresh"], now + timedelta(days=90))

def work():
    found.append(tokens.access_token(Connection.objects.get(), refresh, now=now))

found = []
threads = [threading.Thread(target=work) for _ in range(10)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(json.dumps(found))
"""
SETUP = """
from datetime import UTC, datetime, timedelta
import django
django.setup()
from django.core.management import call_command
call_command("migrate", "integrations", verbosity=0)
from integrations import tokens
from integrations.models import Connection, Shop
now = datetime.now(UTC)
made = Connection.objects.create(shop=Shop.objects.create(domain="a.myshopify.com"), vendor="shopify", account="a.myshopify.com", connected_at=now)
tokens.store(made, tokens.TokenSet("old", now - timedelta(minutes=1), "refresh-0", now + timedelta(days=90)))
"""


def test_fault_24_twenty_workers_in_two_processes_refresh_once(tmp_path: Path) -> None:
    asked: list[str] = []

    class Strict(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            good = asked[-1] == f"refresh-{len(asked) - 1}"
            threading.Event().wait(0.3)
            answer = {"access": f"access-{len(asked)}", "refresh": f"refresh-{len(asked)}"} if good else {"error": "invalid_grant"}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Strict)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DEBUG": "1",
        "SEGSYNC_VAR_DIR": str(tmp_path),
        "SEGSYNC_ENCRYPTION_KEYS": "",
        "DATABASE_URL": f"sqlite:///{tmp_path}/tokens.sqlite3",
    }
    try:
        subprocess.run([sys.executable, "-c", SETUP], env=env, cwd=ROOT, check=True, timeout=60)
        command = [sys.executable, "-c", WORKER, f"http://127.0.0.1:{server.server_port}/"]
        workers = [subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.PIPE) for _ in range(2)]
        found = [token for worker in workers for token in json.loads(worker.communicate(timeout=60)[0].splitlines()[-1])]
    finally:
        server.shutdown()
        server.server_close()
    assert asked == ["refresh-0"]
    assert found == ["access-1"] * 20
