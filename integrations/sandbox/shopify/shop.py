"""What the sandbox's Shopify remembers about the app in one store, beside the store's own facts."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from integrations.sandbox.shopify.cost import Bucket

if TYPE_CHECKING:
    from integrations.sandbox.clock import SandboxClock
    from integrations.sandbox.shopify.bulk import BulkOperation
    from integrations.sandbox.shopify.staged import StagedFile
    from integrations.sandbox.shopify.state import Store


@dataclass(slots=True)
class WebhookSubscription:
    """A subscription the app made through the Admin API."""

    id: int
    topic: str  # as the API spells it: ORDERS_CREATE
    uri: str
    format: str
    filter: str | None
    include_fields: list[str]
    name: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class TagCall:
    """One `tagsAdd` or `tagsRemove` that was carried out, at the instant its request was read."""

    at: datetime
    customer_id: int
    add: bool
    tags: tuple[str, ...]


@dataclass(slots=True)
class Shop:
    """One store as the platform serves it to the app. `store` is looked up anew each time, so it may be replaced."""

    domain: str
    find_store: Callable[[], Store]
    clock: SandboxClock
    bucket: Bucket
    installed_at: datetime | None = None
    granted: frozenset[str] = frozenset()
    subscriptions: dict[int, WebhookSubscription] = field(default_factory=dict)
    operations: dict[int, BulkOperation] = field(default_factory=dict)
    uploads: dict[str, StagedFile] = field(default_factory=dict)  # by key
    failures: dict[int, int] = field(default_factory=dict)  # consecutive failed deliveries by subscription
    tag_calls: deque[TagCall] = field(default_factory=lambda: deque(maxlen=20_000))
    serial: itertools.count[int] = field(default_factory=lambda: itertools.count(1001))
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def store(self) -> Store:
        """The facts of this store as they are now."""
        return self.find_store()
