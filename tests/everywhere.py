"""`make test`: the whole suite on SQLite, and again on PostgreSQL where one answers. Says what it left out."""

from __future__ import annotations

import os
import subprocess
import sys

import psycopg

POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")


def postgres_answers() -> bool:
    """Whether there is a PostgreSQL to test on (TEST_POSTGRES_URL names another than the one on this machine)."""
    try:
        psycopg.connect(POSTGRES.replace("postgres://", "postgresql://", 1), connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


def run(name: str, database: str, arguments: list[str]) -> int:
    """One run of pytest on one database."""
    print(f"== Tests on {name}", flush=True)
    env = {**os.environ, "DEBUG": "1", "DATABASE_URL": database}
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], env=env, check=False).returncode


def main() -> int:
    """0 when every run was green. With CI set, anything left out is a failure."""
    arguments = sys.argv[1:]
    left_out = []
    failed = run("SQLite", "sqlite:///unused.sqlite3", arguments)
    if postgres_answers():
        failed = run("PostgreSQL", POSTGRES, [*arguments, "-m", "not once"]) or failed
    else:
        left_out.append("PostgreSQL does not answer: set TEST_POSTGRES_URL to test on it too.")
    for sentence in left_out:
        print(f"Left out: {sentence}")
    return failed or (1 if left_out and os.environ.get("CI") else 0)


if __name__ == "__main__":
    sys.exit(main())
