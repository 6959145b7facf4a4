"""Storing records of people and of what they did."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from integrations import records
from segsync.store.identity import Key, drop_emails, find, normal_email, resolve
from segsync.store.insert import instant, upsert_rows
from segsync.store.models import Activity, Identity, Profile
from segsync.store.places import joined, places
from segsync.store.touched import Touched

_FACTS = [
    "added_at",
    "order_count",
    "amount_spent_minor",
    "tags",
    "countries",
    "regions",
    "cities",
    "companies",
    "language",
    "account_status",
    "email_subscription",
    "sms_subscription",
    "product_subscription",
    "rfm_group",
    "predicted_spend_tier",
    "properties",
]
_PLACES = ["countries", "regions", "cities"]
_MOMENT = timedelta(microseconds=1)
_ACTIVITY_COLUMNS = [
    *("shop", "customer", "source", "external_id", "kind", "at", "subject", "contact_id_text", "campaign_id", "campaign", "url", "title"),
    *("form", "page", "survey", "rating", "sentiment", "network", "about"),
]
_COLUMNS = ["customer", "version", "gone_at", "swallowed_by", "emails", *_FACTS]


def store_customers(shop_id: int, source: str, rows: Sequence[records.Customer], now: datetime, touched: Touched) -> None:
    """Keep the newer ones of these records; link each to the person who goes by its id, merged ids or addresses.

    A record of the same version that tells other properties is news too: it was asked for more. Where addresses follow one by one, those
    known before are kept, so that nobody moves away in between; the next record that has all of them begins anew.
    """
    latest: dict[str, records.Customer] = {}
    for row in rows:
        if row.external_id not in latest or row.version > latest[row.external_id].version:
            latest[row.external_id] = row
    known = {p.external_id: p for p in Profile.objects.filter(shop_id=shop_id, source=source, external_id__in=list(latest))}
    news = [row for id_, row in latest.items() if id_ not in known or known[id_].gone_at or _is_news(row, known[id_])]
    if not news:
        return
    owners = resolve(shop_id, [_names(source, row) for row in news], now)
    profiles = [_profile(shop_id, source, row, owner) for row, owner in zip(news, owners, strict=True)]
    for row, profile in zip(news, profiles, strict=True):
        if (old := known.get(row.external_id)) and not old.gone_at:
            _keep(old, row, profile)
    Profile.objects.bulk_create(profiles, update_conflicts=True, unique_fields=["shop", "source", "external_id"], update_fields=_COLUMNS, batch_size=500)
    for profile in profiles:
        old = known.get(profile.external_id)
        if old is None or old.customer_id != profile.customer_id or old.gone_at:
            touched.reach.add(profile.customer_id)
        elif dropped := set(old.emails) - set(profile.emails):
            drop_emails(shop_id, profile.customer_id, dropped)
        if old is None or any(getattr(old, name) != getattr(profile, name) for name in ("emails", *_FACTS)):
            touched.mark("profile", [profile.customer_id])
            touched.stored += 1
    _swallow(shop_id, source, news, now, touched)
    _adopt_pending(shop_id, source, {profile.customer_id for profile in profiles})


def store_addresses(shop_id: int, source: str, rows: Sequence[records.Address], now: datetime, touched: Touched) -> None:
    """Add addresses told apart from their customers; those of a customer that is not there are left out."""
    told: dict[str, list[records.Address]] = defaultdict(list)
    for row in rows:
        told[row.customer_id].append(row)
    moved: list[Profile] = []
    for profile in Profile.objects.filter(shop_id=shop_id, source=source, external_id__in=list(told)):
        news = {name: joined(getattr(profile, name), values) for name, values in places(told[profile.external_id]).items()}
        if any(getattr(profile, name) != values for name, values in news.items()):
            for name, values in news.items():
                setattr(profile, name, values)
            moved.append(profile)
    Profile.objects.bulk_update(moved, _PLACES, batch_size=200)
    touched.stored += len(moved)
    touched.mark("profile", (profile.customer_id for profile in moved))


def store_activities(shop_id: int, source: str, rows: Sequence[records.Activity], now: datetime, touched: Touched) -> None:
    """Keep the activities not kept yet; those of nobody we know wait until somebody goes by their address or id."""
    by_id = {row.external_id: row for row in rows}
    for id_ in Activity.objects.filter(shop_id=shop_id, source=source, external_id__in=list(by_id)).values_list("external_id", flat=True):
        del by_id[id_]
    people = find(shop_id, Identity.EMAIL, {normal_email(row.subject) for row in by_id.values()} - {""})
    contacts = find(shop_id, source, {row.contact_id for row in by_id.values()} - {""})
    owners = [contacts.get(row.contact_id) or people.get(normal_email(row.subject)) for row in by_id.values()]
    rows_of = (
        (
            shop_id,
            owner,
            source,
            row.external_id,
            row.kind,
            instant(row.at),
            normal_email(row.subject),
            row.contact_id,
            row.campaign_id,
            row.campaign[:255],
            row.url[:1000],
            row.title[:255],
            row.form[:255],
            row.page[:1000],
            row.survey[:16],
            row.rating,
            row.sentiment[:64],
            row.network[:64],
            row.about[:64],
        )
        for owner, row in zip(owners, by_id.values(), strict=True)
    )
    upsert_rows(Activity, _ACTIVITY_COLUMNS, ["shop", "source", "external_id"], rows_of)
    touched.stored += len(by_id)
    touched.mark("engagement", owners)


def _is_news(row: records.Customer, kept: Profile) -> bool:
    """Newer, or the same telling with other properties or with facts that were never asked for, or withheld, before."""
    if row.version != kept.version:
        return row.version > kept.version
    fuller = (row.addresses is not None and kept.regions is None) or (row.companies is not None and kept.companies is None)
    return fuller or row.properties != kept.properties


def _names(source: str, row: records.Customer) -> frozenset[Key]:
    emails = {normal_email(email) for email in row.emails} - {""}
    return frozenset([(source, id_) for id_ in (row.external_id, *row.merged_ids)] + [(Identity.EMAIL, email) for email in emails])


def _profile(shop_id: int, source: str, row: records.Customer, customer_id: int) -> Profile:
    return Profile(
        shop_id=shop_id,
        customer_id=customer_id,
        source=source,
        external_id=row.external_id,
        version=row.version,
        emails=list(row.emails),
        added_at=row.created_at,
        order_count=row.order_count,
        amount_spent_minor=row.amount_spent_minor,
        tags=None if row.tags is None else list(row.tags),
        companies=None if row.companies is None else list(row.companies),
        language=row.language,
        account_status=row.account_status,
        email_subscription=row.email_subscription,
        sms_subscription=row.sms_subscription,
        product_subscription=row.product_subscription,
        rfm_group=row.rfm_group,
        predicted_spend_tier=row.predicted_spend_tier,
        properties=row.properties,
        **({} if row.addresses is None else places(row.addresses)),
    )


def _keep(old: Profile, row: records.Customer, profile: Profile) -> None:
    """Take over what is known and is not told with this record."""
    if row.addresses_follow:
        for name in _PLACES:
            if (before := getattr(old, name)) is not None:
                setattr(profile, name, joined(before, getattr(profile, name) or ()))
        if row.version > old.version:
            profile.version -= _MOMENT  # so that the same, told whole, is newer and drops the addresses that are gone
    if row.version == old.version and profile.companies is None:
        profile.companies = old.companies


def _swallow(shop_id: int, source: str, rows: Sequence[records.Customer], now: datetime, touched: Touched) -> None:
    """Records that others have swallowed are gone; which one has them is kept, for their marks went there too."""
    for row in rows:
        if row.merged_ids:
            swallowed = Profile.objects.filter(shop_id=shop_id, source=source, external_id__in=row.merged_ids).exclude(external_id=row.external_id)
            if swallowed.exclude(swallowed_by=row.external_id, gone_at__isnull=False).update(swallowed_by=row.external_id, gone_at=now):
                touched.reach.update(swallowed.values_list("customer_id", flat=True))


def _adopt_pending(shop_id: int, source: str, customer_ids: set[int]) -> None:
    """A record that was yet to be created has appeared by itself: whoever meant to create it need not any more."""
    Profile.objects.filter(shop_id=shop_id, source=source, customer_id__in=customer_ids, external_id__startswith=Profile.PENDING).delete()
