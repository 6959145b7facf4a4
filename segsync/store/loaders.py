"""How values of PostgreSQL become values of Python where many are read."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import orjson
from psycopg import adapters
from psycopg.abc import Buffer, Loader
from psycopg.adapt import Loader as BaseLoader
from psycopg.pq import Format


class KeptJson(BaseLoader):
    """JSON as Python values; the empty list, which most are, as one tuple for all."""

    def load(self, data: Buffer) -> Any:
        """See `psycopg.adapt.Loader`."""
        text = bytes(data)
        return () if text == b"[]" else orjson.loads(text)


@cache
def loaders() -> Sequence[tuple[str, type[Loader]]]:
    """By the name of the type: the driver's compiled loader of instants, where it is installed, and ours of JSON."""
    instants = adapters.get_loader(adapters.types["timestamptz"].oid, Format.TEXT)
    return [("jsonb", KeptJson), *([("timestamptz", instants)] if instants else [])]
