"""People who were erased stay so: what an old page, file or webhook tells of them is not stored.

Only salted hashes of their names are kept. A page of a shop in which nobody was erased costs one look.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from integrations import records
from segsync.store.identity import Key, normal_email
from segsync.store.models import Erased, ErasureKey, Identity

CHUNK = 500


def bury(shop_id: int, names: Collection[Key], now: datetime) -> None:
    """Nobody goes by these names (kind and value, as identities have them) from now on. Must run in the transaction that erases."""
    key = ErasureKey.objects.get_or_create(shop_id=shop_id, defaults={"key": secrets.token_hex(32)})[0].key
    rows = [Erased(shop_id=shop_id, digest=_digest(key, *name), erased_at=now) for name in sorted(set(names))]
    Erased.objects.bulk_create(rows, update_conflicts=True, unique_fields=["shop", "digest"], update_fields=["erased_at", "back_at"], batch_size=500)


def living(shop_id: int, source: str, page: Sequence[records.Record], now: datetime) -> Sequence[records.Record]:
    """The records of `page` that may be stored: those about erased people are left out, and their ids taken out of the others."""
    key = ErasureKey.objects.filter(shop_id=shop_id).values_list("key", flat=True).first()
    if key is None:
        return page
    graves = _Graves(shop_id, key, source, page)
    kept = [left for record in page if (left := graves.left_of(record)) is not None]
    graves.mark_back(now)
    return kept


class _Graves:
    """Which names of one page are erased."""

    def __init__(self, shop_id: int, key: str, source: str, page: Sequence[records.Record]) -> None:
        self.shop_id, self.source = shop_id, source
        digests = {name: _digest(key, *name) for record in page for name in _names(source, record)}
        rows: dict[str, tuple[datetime, datetime | None]] = {}
        wanted = list(digests.values())
        for start in range(0, len(wanted), CHUNK):
            found = Erased.objects.filter(shop_id=shop_id, digest__in=wanted[start : start + CHUNK])
            rows |= {digest: (at, back) for digest, at, back in found.values_list("digest", "erased_at", "back_at")}
        self.digests = digests
        self.erased = {name: rows[digest] for name, digest in digests.items() if digest in rows}
        self.back: set[str] = set()

    def left_of(self, record: records.Record) -> records.Record | None:
        """The record as it may be stored, None for one that is about somebody erased."""
        if not self.erased:
            return record
        match record:
            case records.Customer():
                return self._customer(record)
            case records.Activity():
                past = self._address(record.subject)
                erased = past is not None and (past[1] is None or record.at <= past[0])
                return None if self._id(record.contact_id) or erased else record
            case records.Order():
                past = self._address(record.email)
                old = past is not None and (past[1] is None or record.placed_at <= past[0])
                return None if self._id(record.customer_id) or old else record
            case records.Checkout() | records.Address():
                return None if self._id(record.customer_id) else record
        return record

    def mark_back(self, now: datetime) -> None:
        """Somebody newer goes by these addresses."""
        Erased.objects.filter(shop_id=self.shop_id, digest__in=self.back, back_at__isnull=True).update(back_at=now)

    def _customer(self, record: records.Customer) -> records.Customer | None:
        if self._id(record.external_id):
            return None
        past = [found for email in record.emails if (found := self._address(email)) is not None]
        if any(record.version <= erased_at for erased_at, _ in past):
            return None
        self.back |= {self.digests[Identity.EMAIL, name] for email in record.emails if (Identity.EMAIL, name := normal_email(email)) in self.erased}
        return replace(record, merged_ids=tuple(id_ for id_ in record.merged_ids if not self._id(id_)))

    def _id(self, external_id: str) -> bool:
        return (self.source, external_id) in self.erased

    def _address(self, email: str) -> tuple[datetime, datetime | None] | None:
        return self.erased.get((Identity.EMAIL, normal_email(email)))


def _names(source: str, record: records.Record) -> Iterable[Key]:
    ids: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    match record:
        case records.Customer():
            ids, emails = (record.external_id, *record.merged_ids), record.emails
        case records.Activity():
            ids, emails = (record.contact_id,), (record.subject,)
        case records.Order():
            ids, emails = (record.customer_id,), (record.email,)
        case records.Checkout() | records.Address():
            ids = (record.customer_id,)
    yield from ((source, id_) for id_ in ids if id_)
    yield from ((Identity.EMAIL, name) for email in emails if (name := normal_email(email)))


def _digest(key: str, kind: str, value: str) -> str:
    return hmac.digest(bytes.fromhex(key), f"{kind}:{value}".encode(), "sha256").hex()
