"""`make test`: everything on SQLite, what touches a database again on PostgreSQL, and in a browser. Says what it left out and why."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import psycopg

from tests.browser.demo import CHROMIUM

POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
NOTHING_FOUND = 5  # pytest's exit code when the arguments choose no test
AT_ONCE = ["-n", str(os.cpu_count() or 1), "--dist", "worksteal"]  # one process for each core


def postgres_answers() -> bool:
    """Whether there is a PostgreSQL to test on (TEST_POSTGRES_URL names another than the one on this machine)."""
    try:
        psycopg.connect(POSTGRES.replace("postgres://", "postgresql://", 1), connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


def run(name: str, database: str, arguments: list[str]) -> str:
    """One run of pytest, as a line for the summary; it begins with "failed" when it was not green."""
    print(f"== Tests {name}", flush=True)
    began = time.monotonic()
    env = {**os.environ, "DEBUG": "1", "DATABASE_URL": database}
    code = subprocess.run([sys.executable, "-m", "pytest", *arguments], env=env, check=False).returncode
    word = {0: "passed", NOTHING_FOUND: "none to run"}.get(code, "failed")
    return f"{word} {name}, {time.monotonic() - began:.0f} s"


def main() -> int:
    """0 when every run was green. With CI set, anything left out is a failure.

    `--no-browser` leaves the browser to `make browser`; every other argument is pytest's.
    """
    browser = "--no-browser" not in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--no-browser"]
    sqlite = "sqlite:///unused.sqlite3"
    outcomes, left_out = [run("on SQLite", sqlite, [*AT_ONCE, "-m", "not browser", *arguments])], []
    if postgres_answers():
        again = [*AT_ONCE, "--database-only", "-m", "not browser and not slow and not broker"]
        outcomes.append(run("on PostgreSQL (those that touch a database)", POSTGRES, [*again, *arguments]))
    else:
        left_out.append("PostgreSQL does not answer: set TEST_POSTGRES_URL to test on it too.")
    if browser and CHROMIUM:
        outcomes.append(run("in Chromium", sqlite, ["-m", "browser", *arguments]))
    elif browser:
        left_out.append("Chromium is not installed (Debian: apt-get install chromium): nothing was looked at in a browser.")
    print("== In all", *outcomes, *(f"left out: {sentence}" for sentence in left_out), sep="\n   ")
    return 1 if any(outcome.startswith("failed") for outcome in outcomes) or (left_out and os.environ.get("CI")) else 0


if __name__ == "__main__":
    sys.exit(main())
