"""What we know about people, merged across platforms. Money in minor units of the shop's currency, instants UTC."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from integrations.models import Delivery, Shop
from segsync.leases import Due


class Customer(models.Model):
    """A person of one shop.

    Two pairs of counters say what is left to do: facts newer than judged -> segments must be judged again; outcome newer
    than routed -> what is wanted on the other side must be worked out again.
    """

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="customers")
    facts_version = models.BigIntegerField(default=1)
    judged_version = models.BigIntegerField(default=0)
    outcome_version = models.BigIntegerField(default=0)
    routed_version = models.BigIntegerField(default=0)
    changed_at = models.DateTimeField(help_text="When the newest fact was stored.")
    change_cause = models.CharField(max_length=16, default="order", help_text="What kind of fact changed last.")
    merged_into = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="merged_from")
    created_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["shop", "id"], name="customer_changed", condition=Q(facts_version__gt=F("judged_version"))),
            models.Index(fields=["shop", "id"], name="customer_unrouted", condition=Q(outcome_version__gt=F("routed_version"))),
        ]

    def __str__(self) -> str:
        return f"customer {self.pk}"


class Identity(models.Model):
    """One name a person goes by: a normalised e-mail address, or a platform's id (merged ids too)."""

    EMAIL = "email"

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="identities")
    kind = models.CharField(max_length=16, help_text='"email" or a vendor.')
    value = models.CharField(max_length=320)

    class Meta:
        verbose_name_plural = "identities"
        constraints = [models.UniqueConstraint(fields=["shop", "kind", "value"], name="one_person_per_identity")]

    def __str__(self) -> str:
        return f"{self.kind} of customer {self.customer_id}"


class Profile(models.Model):
    """One platform's record of a person, with the facts that platform keeps. Null: that platform does not say."""

    PENDING = "new:"

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="profiles")
    source = models.CharField(max_length=16)
    external_id = models.CharField(max_length=64, help_text='The platform\'s id; "new:…" while it is yet to be created there.')
    version = models.DateTimeField(help_text="The platform's time of last change.")
    gone_at = models.DateTimeField(null=True, blank=True, help_text="When the platform said it has no such record.")
    swallowed_by = models.CharField(max_length=64, blank=True, default="", db_default="", help_text="The id of the record that this one was merged into.")
    emails = models.JSONField(default=list)
    added_at = models.DateTimeField(null=True)
    order_count = models.PositiveIntegerField(null=True)
    amount_spent_minor = models.BigIntegerField(null=True)
    tags = models.JSONField(null=True)
    countries = models.JSONField(null=True)
    regions = models.JSONField(null=True, help_text="ISO 3166-2 codes.")
    cities = models.JSONField(null=True, help_text="Country, region and city as rules write them.")
    companies = models.JSONField(null=True, help_text="The platform's ids of the companies that the person buys for.")
    language = models.CharField(max_length=16, null=True)
    account_status = models.CharField(max_length=16, null=True)
    email_subscription = models.CharField(max_length=24, null=True)
    sms_subscription = models.CharField(max_length=24, null=True)
    product_subscription = models.CharField(max_length=24, null=True)
    rfm_group = models.CharField(max_length=24, null=True)
    predicted_spend_tier = models.CharField(max_length=16, null=True)
    properties = models.JSONField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "source", "external_id"], name="one_profile_per_record")]
        indexes = [models.Index(fields=["shop", "added_at"], name="profile_by_added")]

    def __str__(self) -> str:
        return f"{self.source} {self.external_id}"

    @property
    def pending(self) -> bool:
        """Whether the platform is yet to be asked to create this record."""
        return self.external_id.startswith(self.PENDING)


class Product(models.Model):
    """One product, as far as rules ask about it."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    source = models.CharField(max_length=16)
    external_id = models.CharField(max_length=64)
    version = models.DateTimeField()
    title = models.CharField(max_length=255)
    product_type = models.CharField(max_length=255, blank=True)
    vendor = models.CharField(max_length=255, blank=True)
    category = models.CharField(max_length=500, blank=True)
    tags = models.JSONField(default=list)
    collections = models.JSONField(default=list, help_text="[id, title] pairs.")
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "source", "external_id"], name="one_row_per_product")]

    def __str__(self) -> str:
        return self.title


class Order(models.Model):
    """One order. `counted`: not a test, not deleted, not cancelled, not voided."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, null=True, blank=True, related_name="orders")
    source = models.CharField(max_length=16)
    external_id = models.CharField(max_length=64)
    version = models.DateTimeField()
    name = models.CharField(max_length=64)
    number = models.BigIntegerField(null=True)
    placed_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    test = models.BooleanField(default=False)
    counted = models.BooleanField(default=True)
    currency = models.CharField(max_length=3)
    total_minor = models.BigIntegerField(help_text="After refunds and edits.")
    gross_minor = models.BigIntegerField()
    refunded_minor = models.BigIntegerField(default=0)
    discount_minor = models.BigIntegerField(default=0)
    channel = models.CharField(max_length=64, blank=True)
    country = models.CharField(max_length=2, blank=True)
    discount_codes = models.JSONField(default=list)
    tags = models.JSONField(default=list)
    refunds = models.JSONField(default=list, help_text="[id, instant, amount in minor units] each.")
    location_id_text = models.CharField(max_length=64, blank=True, default="", db_default="", db_column="location_external_id")
    app_id_text = models.CharField(max_length=64, blank=True, default="", db_default="", db_column="app_external_id")
    shipping = models.CharField(max_length=255, blank=True, default="", db_default="", help_text="The name of the shipping method.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "source", "external_id"], name="one_row_per_order")]
        indexes = [
            models.Index(fields=["shop", "placed_at"], name="order_by_time"),
            models.Index(fields=["shop", "version"], name="order_refunded", condition=~Q(refunds=[])),
        ]

    def __str__(self) -> str:
        return self.name


class OrderLine(models.Model):
    """One line of an order; the product it names is looked up by the platform's id."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    external_id = models.CharField(max_length=64)
    product_id_text = models.CharField(max_length=64, blank=True, db_column="product_external_id")
    variant_id_text = models.CharField(max_length=64, blank=True, db_column="variant_external_id")
    sku = models.CharField(max_length=255, blank=True)
    title = models.CharField(max_length=500, blank=True)
    vendor = models.CharField(max_length=255, blank=True)
    quantity = models.IntegerField()
    current_quantity = models.IntegerField()
    price_minor = models.BigIntegerField()
    amount_minor = models.BigIntegerField(help_text="Discounted total of the line.")
    discounted = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "external_id"], name="one_row_per_line")]
        indexes = [models.Index(fields=["shop", "product_id_text"], name="line_by_product")]

    def __str__(self) -> str:
        return self.title


class Checkout(models.Model):
    """An abandoned checkout; recovered once `recovered_at` is set."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, null=True, blank=True, related_name="checkouts")
    source = models.CharField(max_length=16)
    external_id = models.CharField(max_length=64)
    version = models.DateTimeField()
    created_at = models.DateTimeField()
    recovered_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    total_minor = models.BigIntegerField()
    lines = models.JSONField(default=list, help_text="[line id, product id, variant id, SKU, title, quantity] each.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "source", "external_id"], name="one_row_per_checkout")]
        indexes = [models.Index(fields=["shop", "created_at"], name="checkout_by_time")]

    def __str__(self) -> str:
        return f"checkout {self.external_id}"


class CheckoutProduct(models.Model):
    """A product that stands in a checkout's lines, so that a product leads to whoever left it there without reading every checkout."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    checkout = models.ForeignKey(Checkout, on_delete=models.CASCADE, related_name="products")
    product_id_text = models.CharField(max_length=64, db_column="product_external_id")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["checkout", "product_id_text"], name="one_row_per_product_in_checkout")]
        indexes = [models.Index(fields=["shop", "product_id_text"], name="checkout_by_product")]

    def __str__(self) -> str:
        return f"product {self.product_id_text} in checkout {self.checkout_id}"


class Activity(models.Model):
    """Something a person did or was sent. Without a customer until somebody goes by `subject`."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, null=True, blank=True, related_name="activities")
    source = models.CharField(max_length=16)
    external_id = models.CharField(max_length=128)
    kind = models.CharField(max_length=32)
    at = models.DateTimeField()
    subject = models.CharField(max_length=320, blank=True, help_text="Normalised e-mail address.")
    campaign_id = models.CharField(max_length=64, blank=True)
    campaign = models.CharField(max_length=255, blank=True)
    url = models.CharField(max_length=1000, blank=True)
    title = models.CharField(max_length=255, blank=True)
    contact_id_text = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        db_column="contact_external_id",
        help_text="The platform's id of the person, if it tells one.",
    )
    form = models.CharField(max_length=255, blank=True, default="", db_default="")
    page = models.CharField(max_length=1000, blank=True, default="", db_default="")
    survey = models.CharField(max_length=16, blank=True, default="", db_default="")
    rating = models.IntegerField(null=True, blank=True)
    sentiment = models.CharField(max_length=64, blank=True, default="", db_default="")
    network = models.CharField(max_length=64, blank=True, default="", db_default="")
    about = models.CharField(max_length=64, blank=True, default="", db_default="", help_text="The platform's id of what it was about.")

    class Meta:
        verbose_name_plural = "activities"
        constraints = [models.UniqueConstraint(fields=["shop", "source", "external_id"], name="one_row_per_activity")]
        indexes = [
            models.Index(fields=["shop", "at"], name="activity_by_time"),
            models.Index(fields=["shop", "subject"], name="activity_unlinked", condition=Q(customer__isnull=True)),
            models.Index(fields=["shop", "contact_id_text"], name="activity_without_contact", condition=Q(customer__isnull=True)),
        ]

    def __str__(self) -> str:
        return self.kind


class PropertyDefinitions(models.Model):
    """All properties that one source has for people, as it last told them: what names like `hubspot.lifecyclestage` mean in this shop."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    source = models.CharField(max_length=16)
    definitions = models.JSONField(default=list, help_text="name, type, options, multiple and label each.")
    told_at = models.DateTimeField(help_text="When the source last told them.")

    class Meta:
        verbose_name_plural = "property definitions"
        constraints = [models.UniqueConstraint(fields=["shop", "source"], name="one_set_of_definitions_per_source")]

    def __str__(self) -> str:
        return f"properties of {self.source}"


class ErasureKey(models.Model):
    """What the names of erased people are hashed with in one shop: random, so that nobody tells a name from its hash by trying many."""

    shop = models.OneToOneField(Shop, on_delete=models.CASCADE, related_name="erasure_key")
    key = models.CharField(max_length=64, editable=False)

    def __str__(self) -> str:
        return f"erasure key of shop {self.shop_id}"


class Erased(models.Model):
    """A name that nobody goes by any more because its person was erased: late webhooks and old files that tell of it are not stored.

    A platform's id stays erased for good. An address comes back when a record that is newer than the erasure has it; what is older
    stays erased then too.
    """

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    digest = models.CharField(max_length=64)
    erased_at = models.DateTimeField()
    back_at = models.DateTimeField(null=True, blank=True, help_text="When somebody came to go by the address again.")

    class Meta:
        verbose_name_plural = "erased"
        constraints = [models.UniqueConstraint(fields=["shop", "digest"], name="one_row_per_erased_name")]

    def __str__(self) -> str:
        return f"erased name of shop {self.shop_id}"


class PrivacyRequest(Due):
    """Something that a platform asks for under privacy law: to erase a person or a shop, or to tell a person what is stored.

    What tells who it is about goes once it has been done.
    """

    class Kind(models.TextChoices):
        ERASE_PERSON = "erase_person", "erase a person"
        ERASE_SHOP = "erase_shop", "erase the shop"
        TELL = "tell", "tell a person what is stored"

    class Status(models.TextChoices):
        OPEN = "open", "open"
        DONE = "done", "done"
        IGNORED = "ignored", "not called for"

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="privacy_requests")
    delivery = models.OneToOneField(Delivery, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    vendor = models.CharField(max_length=16)
    kind = models.CharField(max_length=16, choices=Kind)
    status = models.CharField(max_length=8, choices=Status, default=Status.OPEN)
    received_at = models.DateTimeField()
    deadline_at = models.DateTimeField(help_text="When it must have been done.")
    external_id = models.CharField(max_length=64, blank=True, help_text="The platform's id of the person.")
    email = models.CharField(max_length=320, blank=True)
    orders = models.JSONField(default=list, help_text="The platform's ids of the orders that it is about.")
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    failures = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=300, blank=True)
    erased = models.JSONField(default=dict, help_text="How much of each kind was erased.")

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["shop", "deadline_at"], name="privacy_request_open", condition=Q(status="open"))]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.status})"
