"""Running `manage.py` as a person does: a process of its own, with an environment of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OURS = ("DEBUG", "SECRET_KEY", "ALLOWED_HOSTS", "PUBLIC_URL", "DATABASE_URL", "CELERY_BROKER_URL", "LOG_LEVEL", "BEHIND_PROXY")


def environment(var: Path, **given: str) -> dict[str, str]:
    """This process's environment without SegSync's variables, then what is given."""
    others = {name: value for name, value in os.environ.items() if name not in OURS and not name.startswith(("SEGSYNC_", "SHOPIFY_", "HUBSPOT_"))}
    return {**others, "SEGSYNC_VAR_DIR": str(var), "PYTHONUNBUFFERED": "1", **given}


def heed_ctrl_c() -> None:
    """For `preexec_fn`: a shell that runs this suite in the background has its children ignore Ctrl-C, and a person's has not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def manage(var: Path, *arguments: str, **given: str) -> subprocess.CompletedProcess[str]:
    """What `manage.py` said and its exit code."""
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment(var, **given), capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, check=False)


def said_in_a_sentence(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """It failed, said why with these words on one line, and showed nobody a traceback."""
    told = done.stdout + done.stderr
    assert done.returncode not in (0, -9), told
    assert "Traceback" not in told, told
    assert any(all(word in line for word in words) for line in told.splitlines()), told
