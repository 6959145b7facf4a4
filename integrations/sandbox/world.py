"""Everything one sandbox process holds, and the settings it was started with."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from integrations.sandbox.calls import CallLog
from integrations.sandbox.clock import SandboxClock
from integrations.sandbox.faults import FaultPlan
from integrations.sandbox.hubspot.state import Portal
from integrations.sandbox.shopify.state import Store


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """How the two platforms know the app. The secrets are the sandbox's own and mean nothing elsewhere."""

    host: str = "127.0.0.1"
    port: int = 9292
    shopify_client_id: str = "sandbox-shopify-client"
    shopify_client_secret: str = "sandbox-shopify-secret-of-no-use-elsewhere"
    shopify_webhook_url: str = ""  # topics of the app's configuration file go here; "" sends none
    hubspot_client_id: str = "sandbox-hubspot-client"
    hubspot_client_secret: str = "sandbox-hubspot-secret-of-no-use-elsewhere"
    hubspot_app_id: int = 424242
    hubspot_webhook_url: str = ""  # "" sends none
    redirect_origins: tuple[str, ...] = ()  # origins a redirect_uri may have; () allows any loopback origin

    @property
    def base_url(self) -> str:
        """Where the sandbox answers, without a trailing slash."""
        return f"http://{self.host}:{self.port}"


@dataclass(slots=True)
class World:
    """The two platforms' facts, time, faults and call log. Hold `lock` while reading or changing `stores` and `portals`."""

    config: SandboxConfig
    stores: dict[str, Store] = field(default_factory=dict)  # by myshopify domain
    portals: dict[int, Portal] = field(default_factory=dict)  # by hub id
    clock: SandboxClock = field(default_factory=SandboxClock)
    faults: FaultPlan = field(default_factory=FaultPlan)
    calls: CallLog = field(default_factory=CallLog)
    lock: threading.RLock = field(default_factory=threading.RLock)
