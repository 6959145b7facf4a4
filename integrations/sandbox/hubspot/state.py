"""What a sandbox HubSpot portal holds. Plain data: instants aware UTC, property values as HubSpot sends them (text or absent)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from integrations.sandbox.hubspot.index import PortalIndex


@dataclass(slots=True)
class Contact:
    """A person in the portal. Change one through `contacts.py`, which keeps lookups, search lag and webhooks right."""

    id: int
    properties: dict[str, str]  # "email" as typed by somebody: case and blanks are kept; "hs_additional_emails" joined by ";"
    created_at: datetime
    updated_at: datetime
    archived: bool = False
    merged_ids: list[int] = field(default_factory=list)


@dataclass(slots=True)
class EmailEvent:
    """What happened to one marketing e-mail of one recipient. Add one through `emails.record_event`."""

    id: str
    created: datetime
    type: str  # SENT DELIVERED OPEN CLICK BOUNCE …
    recipient: str
    campaign_id: int
    url: str | None = None
    filtered: bool = False  # a bot or a prefetch: HubSpot's filteredEvent


@dataclass(slots=True)
class PageView:
    """A web visit of a contact, served as event occurrence `e_visited_page`."""

    id: str
    contact_id: int
    occurred_at: datetime
    url: str
    title: str


@dataclass(slots=True)
class Form:
    """A form that visitors may send in; `id` is its guid."""

    id: str
    name: str
    created_at: datetime


@dataclass(slots=True)
class FormSubmission:
    """One form as a visitor sent it in. Add one through `forms.record_submission`."""

    id: str  # HubSpot's conversionId
    form_id: str
    submitted_at: datetime
    values: dict[str, str]  # field name -> what was typed
    page_url: str


@dataclass(slots=True)
class Feedback:
    """A contact's answer to a survey. Add one through `feedback.record_feedback`."""

    id: int
    contact_id: int
    survey_type: str  # NPS CSAT CES CUSTOM
    value: str
    sentiment: str
    submitted_at: datetime


@dataclass(slots=True)
class Campaign:
    """A marketing e-mail as it was sent out; without a subject its name stands in."""

    id: int
    name: str
    sent_at: datetime
    subject: str = ""


@dataclass(slots=True)
class Folder:
    """A folder of lists; parent 0 is the root."""

    id: int
    name: str
    parent_id: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(slots=True)
class CrmList:
    """A contact list ("segment" in HubSpot's screens). `members` is unused for DYNAMIC ones: their filters are asked when read."""

    id: int
    name: str
    processing_type: str  # MANUAL | SNAPSHOT | DYNAMIC
    created_at: datetime
    updated_at: datetime
    folder_id: int = 0
    filter_branch: dict[str, object] | None = None
    members: dict[int, datetime] = field(default_factory=dict)  # contact id -> membershipTimestamp
    deleted_at: datetime | None = None
    version: int = 1
    filters_updated_at: datetime | None = None
    first_added: dict[int, datetime] = field(default_factory=dict)  # contact id -> first time it was ever added


@dataclass(slots=True)
class ContactChange:
    """One change of a contact that HubSpot would tell subscribers of; `kind` is the subscription type without `contact.`."""

    kind: str  # creation | propertyChange | deletion | merge | privacyDeletion
    contact_id: int
    at: datetime
    source: str  # "INTEGRATION" for the API, "CRM_UI" for people in the portal
    property_name: str | None = None
    property_value: str | None = None
    merged_ids: tuple[int, ...] = ()


@dataclass(slots=True)
class Portal:
    """One portal (account): its facts, and nothing of how they are served.

    Whoever fills a portal may write its fields directly; afterwards use the functions of `contacts.py`, `emails.py`,
    `visits.py` and `lists.py`.
    """

    hub_id: int
    domain: str
    contacts: dict[int, Contact] = field(default_factory=dict)
    email_events: list[EmailEvent] = field(default_factory=list)  # by `created`, oldest first
    page_views: list[PageView] = field(default_factory=list)  # by `occurred_at`, oldest first
    campaigns: dict[int, Campaign] = field(default_factory=dict)
    forms: dict[str, Form] = field(default_factory=dict)
    form_submissions: list[FormSubmission] = field(default_factory=list)
    feedback: dict[int, Feedback] = field(default_factory=dict)
    lists: dict[int, CrmList] = field(default_factory=dict)
    folders: dict[int, Folder] = field(default_factory=dict)
    custom_properties: dict[str, dict[str, object]] = field(default_factory=dict)  # name -> definition as the properties API gives it
    property_groups: dict[str, dict[str, object]] = field(default_factory=dict)  # groups that somebody added
    blocked_emails: set[str] = field(default_factory=set)  # privacy-deleted before a contact had them; none may be created
    time_zone: str = "Europe/London"
    currency: str = "GBP"
    user_id: int = 70001  # who installs apps
    enterprise: bool = True  # without it event occurrences answer 403
    service_hub: bool = True  # without it feedback submissions answer 403
    unavailable_scopes: frozenset[str] = frozenset()  # features the plan lacks: optional scopes of these are dropped silently
    search_lag: timedelta = timedelta(seconds=5)  # until search and list sizes show a change
    limits_scale: float = 1.0  # multiplies the rate limits
    next_list_id: int = 0  # the last id given; 0 until the API creates one
    changes: list[ContactChange] = field(default_factory=list, repr=False)  # not yet sent to subscribers
    index: PortalIndex | None = field(default=None, init=False, repr=False, compare=False)  # derived; see index.index_of
