"""A database of a benchmark's own that several processes can open by its address, thrown away afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from django.db import connection


@contextmanager
def scratch_address(folder: Path, name: str) -> Iterator[str]:
    """The address of a new, empty database: on the server that DATABASE_URL names, or a file in `folder`."""
    if connection.vendor != "postgresql":
        yield f"sqlite:///{folder / name}.sqlite3"
        return
    _say(f'CREATE DATABASE "{name}"')
    try:
        yield urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    finally:
        _say(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _say(statement: str) -> None:
    """Outside any transaction, from the server's own database: one cannot be dropped from within."""
    with connection._nodb_cursor() as cursor:  # Django's own way to where test databases are made
        cursor.execute(statement)
