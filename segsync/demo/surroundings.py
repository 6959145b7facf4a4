"""What the demo's processes are started with: an environment of their own, so that nothing of yours is touched."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from config.environment import ROOT
from integrations.sandbox.world import SandboxConfig

MARK = "SEGSYNC_DEMO"  # set in the demo's own processes
LOGIN = "demo"
PASSWORD = "demo-only-password"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Ports and folder of one demo."""

    port: int
    sandbox_port: int
    var: Path
    database: str = ""

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
            "CELERY_BROKER_URL": "",
            "PUBLIC_URL": self.app_url,
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "SECRET_KEY": "",
            "SEGSYNC_ENCRYPTION_KEYS": "",
            "BEHIND_PROXY": "0",
            "LOG_LEVEL": "INFO",
            "SHOPIFY_CLIENT_ID": platform.shopify_client_id,
            "SHOPIFY_CLIENT_SECRETS": platform.shopify_client_secret,
            "SHOPIFY_READ_ALL_ORDERS": "1",
            "SHOPIFY_SHOP_URL": f"{self.sandbox_url}/shopify/{{shop}}",
            "SHOPIFY_FILE_HOSTS": f"127.0.0.1:{self.sandbox_port}",
            "HUBSPOT_CLIENT_ID": platform.hubspot_client_id,
            "HUBSPOT_CLIENT_SECRET": platform.hubspot_client_secret,
            "HUBSPOT_API_URL": f"{self.sandbox_url}/hubspot",
            "HUBSPOT_APP_URL": f"{self.sandbox_url}/hubspot",
        }


def fresh_folder(name: str = "demo") -> Path:
    """An empty folder for one demo; what an earlier demo left there goes."""
    folder = Path(os.environ.get("SEGSYNC_VAR_DIR") or ROOT / "var") / name
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "logs").mkdir(parents=True)
    return folder
