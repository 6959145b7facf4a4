"""Facts to fill, and where the check reads them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from segsync.demo import oracle
from tests.demo.exports import NOW, Facts, Handler, Sandbox


@pytest.fixture
def facts() -> Facts:
    return Facts()


@pytest.fixture
def judged(facts: Facts, tmp_path: Path) -> Any:
    """`expected_from` of what `facts` holds by then."""

    def judge(timezone: str = "Europe/London", as_of: datetime = NOW, **more: Any) -> oracle.Expected:
        for name in facts.rows:
            (tmp_path / f"{name}.jsonl").write_bytes(facts.text(name))
        return oracle.expected_from(tmp_path, timezone, as_of, **more)

    return judge


@pytest.fixture
def sandbox(facts: Facts) -> Iterator[Sandbox]:
    server = Sandbox(("127.0.0.1", 0), Handler)
    server.facts = facts
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
