"""What the demo's processes are started with: an environment of their own, so that nothing of yours is touched."""

from __future__ import annotations

import fcntl
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from environs import ValidationError
from kombu.connection import Connection as KombuConnection

from config.environment import ROOT, broker
from integrations.sandbox.world import SandboxConfig

MARK = "SEGSYNC_DEMO"  # set in the demo's own processes
LOGIN = "demo"
PASSWORD = "demo-only-password"


class FolderInUse(RuntimeError):
    """Another demo's files are in the folder; one sentence."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Ports and folder of one demo (or benchmark), its database, its broker, and its queue there."""

    port: int
    sandbox_port: int
    var: Path
    database: str = ""
    broker: str = ""
    queue: str = "segsync-demo"

    @property
    def app_url(self) -> str:
        """Where SegSync answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def sandbox_url(self) -> str:
        """Where the sandbox answers."""
        return f"http://127.0.0.1:{self.sandbox_port}"

    def environment(self) -> dict[str, str]:
        """The whole environment of the demo's processes: yours, less what would point elsewhere."""
        platform = SandboxConfig()
        return {
            **os.environ,
            MARK: "1",
            "DEBUG": "1",
            "SEGSYNC_VAR_DIR": str(self.var),
            "DATABASE_URL": self.database or f"sqlite:///{self.var / 'demo.sqlite3'}",
            "CELERY_BROKER_URL": self.broker,
            "SEGSYNC_QUEUE": self.queue,
            "PUBLIC_URL": self.app_url,
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "SECRET_KEY": "",
            "SEGSYNC_ENCRYPTION_KEYS": "",
            "BEHIND_PROXY": "0",
            "LOG_LEVEL": "INFO",
            "SHOPIFY_CLIENT_ID": platform.shopify_client_id,
            "SHOPIFY_CLIENT_SECRETS": platform.shopify_client_secret,
            "SHOPIFY_READ_ALL_ORDERS": "1",
            "SHOPIFY_READ_LOCATIONS": "1",
            "SHOPIFY_SHOP_URL": f"{self.sandbox_url}/shopify/{{shop}}",
            "SHOPIFY_FILE_HOSTS": f"127.0.0.1:{self.sandbox_port}",
            "HUBSPOT_CLIENT_ID": platform.hubspot_client_id,
            "HUBSPOT_CLIENT_SECRET": platform.hubspot_client_secret,
            "HUBSPOT_API_URL": f"{self.sandbox_url}/hubspot",
            "HUBSPOT_APP_URL": f"{self.sandbox_url}/hubspot",
        }


def broker_trouble(url: str) -> str:
    """Why messages cannot go through this broker, as a sentence without its password; "" when they can."""
    try:
        broker(url)
        with KombuConnection(url, connect_timeout=3) as connection:  # type: ignore[no-untyped-call]  # the library ships no types
            connection.ensure_connection(max_retries=1, interval_start=0.2, timeout=5)
    except ValidationError as error:
        return f"The address given with --broker is none: {error}"
    except Exception as error:  # each transport has errors of its own
        told = KombuConnection(url).as_uri()  # type: ignore[no-untyped-call]  # the library ships no types
        return f"The message broker at {told} does not answer ({type(error).__name__}): start it, or leave --broker out."
    return ""


def fresh_folder(name: str = "demo") -> Path:
    """An empty folder for one demo; what an earlier demo left there goes. Raises FolderInUse while another demo runs in it.

    The folder stays this process's until it ends, also when it is replaced by another program (exec).
    """
    within = Path(os.environ.get("SEGSYNC_VAR_DIR") or ROOT / "var").absolute()
    within.mkdir(parents=True, exist_ok=True)
    lock = os.open(within / f"{name}.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise FolderInUse(f"Another demo is running in {within}: end it first, or set SEGSYNC_VAR_DIR to another folder.") from None
    os.set_inheritable(lock, True)
    shutil.rmtree(within / name, ignore_errors=True)
    (within / name / "logs").mkdir(parents=True)
    return within / name
