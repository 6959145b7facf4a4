"""Lookups derived from a portal: contacts by e-mail address, events by recipient, visits by contact, and what search still shows.

Rebuilt by itself when somebody filled the portal's fields directly, kept up to date by the functions that change a portal.
"""

from __future__ import annotations

import bisect
import itertools
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from integrations.sandbox.hubspot.state import Contact, EmailEvent, PageView, Portal

SESSION_GAP = timedelta(minutes=30)  # a new session starts after this silence: knowledge.hubspot.com, "Understand HubSpot's sessions"


def normalised(email: str) -> str:
    """The identity of an e-mail address: blanks around it and its case do not count."""
    return email.strip().lower()


def addresses(contact: Contact) -> list[str]:
    """A contact's addresses, normalised, the primary one first."""
    typed = [contact.properties.get("email") or "", *(contact.properties.get("hs_additional_emails") or "").split(";")]
    return [normalised(address) for address in typed if address.strip()]


@dataclass(slots=True)
class EmailTotals:
    """What the e-mail properties say of one address. Counters count e-mails (campaigns), not events; bots are left out."""

    campaigns: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))  # event type -> campaign ids
    first: dict[str, datetime] = field(default_factory=dict)
    last: dict[str, datetime] = field(default_factory=dict)

    def add(self, event: EmailEvent) -> None:
        """Take one more event into account."""
        if event.filtered:
            return
        self.campaigns[event.type].add(event.campaign_id)
        self.first[event.type] = min(event.created, self.first.get(event.type, event.created))
        self.last[event.type] = max(event.created, self.last.get(event.type, event.created))


@dataclass(frozen=True, slots=True)
class VisitTotals:
    """What the web analytics properties say of one contact."""

    views: int
    sessions: int
    first: PageView
    last: PageView
    last_session_at: datetime


class PortalIndex:
    """The derived lookups of one portal. Get it with `index_of`, which keeps it true."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._fresh_contacts = self._fresh_events = self._fresh_views = -1
        self.by_email: dict[str, int] = {}
        self.merged_into: dict[int, int] = {}
        self.highest_id = 0  # of any contact ever seen: ids are not given twice
        self.totals: dict[str, EmailTotals] = {}
        self.events_of: dict[str, list[EmailEvent]] = {}
        self.sent: dict[tuple[str, int], EmailEvent] = {}
        self.views_of: dict[int, list[PageView]] = {}
        self._visits: dict[int, VisitTotals] = {}
        self._shown: dict[int, list[tuple[datetime, Contact | None]]] = {}  # contact id -> (until, what search shows till then)
        self._sizes: dict[int, list[tuple[datetime, int]]] = {}  # list id -> (until, the size shown till then)

    def refresh(self) -> None:
        """Rebuild what somebody's direct writes made stale."""
        if self._fresh_contacts != len(self._portal.contacts):
            self.reindex_contacts()
        if self._fresh_events != len(self._portal.email_events):
            self._reindex_events()
        if self._fresh_views != len(self._portal.page_views):
            self._reindex_views()

    def reindex_contacts(self) -> None:
        """Read every contact's addresses and merged ids again."""
        self.by_email.clear()
        self.merged_into.clear()
        for contact in self._portal.contacts.values():
            self.add_contact(contact)
        self._fresh_contacts = len(self._portal.contacts)

    def add_contact(self, contact: Contact) -> None:
        """Make a contact findable by its addresses and by the ids merged into it; archived ones only by id."""
        self.highest_id = max(self.highest_id, contact.id, *contact.merged_ids)
        for old in contact.merged_ids:
            self.merged_into[old] = contact.id
        if not contact.archived:
            for address in addresses(contact):
                self.by_email.setdefault(address, contact.id)
        self._fresh_contacts = len(self._portal.contacts)

    def drop_contact(self, contact: Contact) -> None:
        """Forget a contact's addresses, as before it changes, is archived or deleted."""
        for address in addresses(contact):
            if self.by_email.get(address) == contact.id:
                del self.by_email[address]
        self._fresh_contacts = len(self._portal.contacts)

    def _reindex_events(self) -> None:
        self.totals.clear()
        self.events_of.clear()
        self.sent.clear()
        self._portal.email_events.sort(key=_created)
        for event in self._portal.email_events:
            self._note_event(event, self.events_of.setdefault(normalised(event.recipient), []).append)
        self._fresh_events = len(self._portal.email_events)

    def add_event(self, event: EmailEvent) -> None:
        """Put one more event in its place, among all events and among its recipient's."""
        bisect.insort(self._portal.email_events, event, key=_created)
        theirs = self.events_of.setdefault(normalised(event.recipient), [])
        self._note_event(event, lambda one: bisect.insort(theirs, one, key=_created))
        self._fresh_events = len(self._portal.email_events)

    def _note_event(self, event: EmailEvent, keep: Callable[[EmailEvent], None]) -> None:
        keep(event)
        recipient = normalised(event.recipient)
        self.totals.setdefault(recipient, EmailTotals()).add(event)
        if event.type == "SENT":
            self.sent[recipient, event.campaign_id] = event

    def forget_events(self, recipients: set[str]) -> None:
        """Remove every event of these normalised addresses."""
        self._portal.email_events[:] = [e for e in self._portal.email_events if normalised(e.recipient) not in recipients]
        self._reindex_events()

    def _reindex_views(self) -> None:
        self.views_of.clear()
        self._visits.clear()
        self._portal.page_views.sort(key=_occurred)
        for view in self._portal.page_views:
            self.views_of.setdefault(view.contact_id, []).append(view)
        self._fresh_views = len(self._portal.page_views)

    def add_view(self, view: PageView) -> None:
        """Put one more page view in its place."""
        bisect.insort(self._portal.page_views, view, key=_occurred)
        bisect.insort(self.views_of.setdefault(view.contact_id, []), view, key=_occurred)
        self._visits.pop(view.contact_id, None)
        self._fresh_views = len(self._portal.page_views)

    def forget_views(self) -> None:
        """Read the page views again, as after some changed hands or were removed."""
        self._reindex_views()

    def visits(self, contact_id: int) -> VisitTotals | None:
        """A contact's web totals, None for somebody who never came."""
        views = self.views_of.get(contact_id)
        if not views:
            return None
        if contact_id not in self._visits:
            sessions, began = 1, views[0].occurred_at
            for earlier, later in itertools.pairwise(views):
                if later.occurred_at - earlier.occurred_at > SESSION_GAP:
                    sessions, began = sessions + 1, later.occurred_at
            self._visits[contact_id] = VisitTotals(len(views), sessions, views[0], views[-1], began)
        return self._visits[contact_id]

    def before_change(self, contact_id: int, at: datetime) -> None:
        """Have search go on showing the contact as it is now until the lag after `at` has passed."""
        current = self._portal.contacts.get(contact_id)
        copy = replace(current, properties=dict(current.properties), merged_ids=list(current.merged_ids)) if current else None
        still = [entry for entry in self._shown.get(contact_id, []) if entry[0] > at]
        self._shown[contact_id] = [*still, (at + self._portal.search_lag, copy)]

    def searchable(self, now: datetime) -> list[Contact]:
        """The contacts as search shows them at `now`: changes younger than the lag are not there yet."""
        for contact_id in [one for one, shown in self._shown.items() if shown[-1][0] <= now]:
            del self._shown[contact_id]
        late = {one: next(copy for until, copy in shown if until > now) for one, shown in self._shown.items()}
        found = [contact for contact in self._portal.contacts.values() if contact.id not in late and not contact.archived]
        return found + [copy for copy in late.values() if copy is not None and not copy.archived]

    def before_list_change(self, list_id: int, size: int, at: datetime) -> None:
        """Have the list show `size` until the lag after `at` has passed."""
        still = [entry for entry in self._sizes.get(list_id, []) if entry[0] > at]
        self._sizes[list_id] = [*still, (at + self._portal.search_lag, size)]

    def shown_size(self, list_id: int, actual: int, now: datetime) -> int:
        """The size that the list shows at `now`."""
        waiting = [entry for entry in self._sizes.get(list_id, []) if entry[0] > now]
        self._sizes[list_id] = waiting
        return waiting[0][1] if waiting else actual


def index_of(portal: Portal) -> PortalIndex:
    """The portal's index, true at this moment. Hold the world's lock."""
    if portal.index is None:
        portal.index = PortalIndex(portal)
    portal.index.refresh()
    return portal.index


def _created(event: EmailEvent) -> datetime:
    return event.created


def _occurred(view: PageView) -> datetime:
    return view.occurred_at
