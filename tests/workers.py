"""Where tests run in several processes at once (pytest-xdist), each has a folder of its own. Loaded before Django's settings are read."""

from __future__ import annotations

import os
from pathlib import Path

if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    base = Path(os.environ.get("SEGSYNC_VAR_DIR") or Path(__file__).resolve().parent.parent / "var")
    os.environ["SEGSYNC_VAR_DIR"] = str(base / "tests" / worker)
