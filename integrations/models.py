"""Shops, their connections to the platforms, the keys to them, and the webhook inbox."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.db import models


class Shop(models.Model):
    """A tenant: one store. Every other row carries its shop and every query is scoped by it."""

    class Status(models.TextChoices):
        ADDED = "added", "added by hand"
        INSTALLED = "installed", "installed"
        UNINSTALLED = "uninstalled", "uninstalled"

    domain = models.CharField(max_length=255, unique=True, help_text="The store's myshopify.com domain.")
    name = models.CharField(max_length=255, blank=True)
    timezone = models.CharField(max_length=64, default="UTC", help_text="IANA name; day values in rules are local days here.")
    currency = models.CharField(max_length=3, default="USD", help_text="ISO 4217; all amounts are kept in its minor units.")
    status = models.CharField(max_length=16, choices=Status, default=Status.ADDED)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["domain"]

    def __str__(self) -> str:
        return self.name or self.domain

    @property
    def tz(self) -> ZoneInfo:
        """The shop's time zone."""
        return ZoneInfo(self.timezone)


class Connection(models.Model):
    """One account on one platform that a shop has connected by OAuth."""

    class Status(models.TextChoices):
        CONNECTED = "connected", "connected"
        NEEDS_RECONNECT = "needs_reconnect", "needs reconnecting"
        PAUSED = "paused", "paused"
        DISCONNECTED = "disconnected", "disconnected"

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="connections")
    vendor = models.CharField(max_length=16, help_text="A key of the connector registry.")
    account = models.CharField(max_length=255, help_text="The platform's name for the account: shop domain or portal id.")
    status = models.CharField(max_length=16, choices=Status, default=Status.CONNECTED)
    reason = models.CharField(max_length=300, blank=True, help_text="Why it is not connected, in one sentence.")
    scopes = models.JSONField(default=list, help_text="Scopes granted, as the platform told them.")
    withheld = models.JSONField(
        default=dict, db_default={}, editable=False, help_text="By stream: facts that the platform keeps back, and what each would take."
    )
    wanted_properties = models.JSONField(
        default=list, db_default=[], editable=False, help_text="Properties that segments ask about, by the platform's own names."
    )
    wait_until = models.DateTimeField(null=True, blank=True, help_text="The platform asked not to be called before this.")
    generation = models.PositiveIntegerField(default=1, help_text="Counts connects: work begun under an older one is dropped.")
    connected_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shop", "vendor"], name="one_connection_per_vendor"),
            models.UniqueConstraint(fields=["vendor", "account"], condition=~models.Q(status="disconnected"), name="one_shop_per_account"),
        ]
        ordering = ["shop", "vendor"]

    def __str__(self) -> str:
        return f"{self.vendor} {self.account}"


class Credential(models.Model):
    """The tokens of one connection, encrypted. `version` makes a refresh compare-and-set: the loser re-reads."""

    connection = models.OneToOneField(Connection, on_delete=models.CASCADE, related_name="credential")
    access_token = models.BinaryField()
    access_expires_at = models.DateTimeField(null=True)
    refresh_token = models.BinaryField(null=True)
    refresh_expires_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)
    lease_until = models.DateTimeField(null=True, help_text="Somebody is refreshing until then.")
    lease_token = models.CharField(max_length=32, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"tokens of {self.connection}"


class Pace(models.Model):
    """What was spent of one limit of an account, for all processes that call it. `version` makes a change compare-and-set."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="paces")
    limit = models.CharField(max_length=16, help_text="Which of the account's limits.")
    state = models.JSONField(default=dict)
    version = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "limit"], name="one_pace_per_limit")]

    def __str__(self) -> str:
        return f"pace of {self.limit} of {self.connection}"


class OAuthState(models.Model):
    """A consent in progress: single use, bound to one browser, kept as hashes only."""

    state_hash = models.CharField(max_length=64, unique=True)
    browser_hash = models.CharField(max_length=64)
    vendor = models.CharField(max_length=16)
    shop_domain = models.CharField(max_length=255)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.vendor} consent for {self.shop_domain}"


class Delivery(models.Model):
    """One webhook, as received and verified. It is only a hint: what it names is fetched again."""

    class Outcome(models.TextChoices):
        WAITING = "waiting", "waiting"
        DONE = "done", "done"
        IGNORED = "ignored", "ignored"
        LATER = "later", "kept for a version that knows its topic, or for a better answer"

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="deliveries")
    vendor = models.CharField(max_length=16)
    delivery_id = models.CharField(max_length=128, help_text="What the platform repeats when it sends the same thing again.")
    topic = models.CharField(max_length=64)
    body = models.BinaryField()
    received_at = models.DateTimeField()
    triggered_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=16, choices=Outcome, default=Outcome.WAITING)
    handled_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [models.UniqueConstraint(fields=["shop", "vendor", "delivery_id"], name="one_row_per_delivery")]
        indexes = [
            models.Index(fields=["received_at"], name="delivery_waiting", condition=models.Q(outcome="waiting")),
            models.Index(fields=["shop"], name="delivery_later", condition=models.Q(outcome="later")),
        ]

    def __str__(self) -> str:
        return f"{self.vendor} {self.topic}"
