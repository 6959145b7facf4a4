"""The contact properties that every portal has, with the types, groups and options of HubSpot's own.

Source: knowledge.hubspot.com, "HubSpot's default contact properties"; the read-only ones are "set automatically" there.
"""

from __future__ import annotations

from integrations.sandbox.hubspot.call import Json

GROUPS = {
    "contactinformation": "Contact information",
    "emailinformation": "Email information",
    "analyticsinformation": "Web analytics history",
    "conversioninformation": "Conversion information",
    "contact_activity": "Contact activity",
    "deal_information": "Deal information",
    "sales_properties": "Sales properties",
}
LIFECYCLE = {  # in their order: the API moves a contact forward only
    "subscriber": "Subscriber",
    "lead": "Lead",
    "marketingqualifiedlead": "Marketing Qualified Lead",
    "salesqualifiedlead": "Sales Qualified Lead",
    "opportunity": "Opportunity",
    "customer": "Customer",
    "evangelist": "Evangelist",
    "other": "Other",
}
SOURCES = {
    "ORGANIC_SEARCH": "Organic Search",
    "PAID_SEARCH": "Paid Search",
    "EMAIL_MARKETING": "Email Marketing",
    "SOCIAL_MEDIA": "Organic Social",
    "REFERRALS": "Referrals",
    "OTHER_CAMPAIGNS": "Other Campaigns",
    "DIRECT_TRAFFIC": "Direct Traffic",
    "OFFLINE": "Offline Sources",
    "PAID_SOCIAL": "Paid Social",
}
LEAD_STATUS = {
    "NEW": "New",
    "OPEN": "Open",
    "IN_PROGRESS": "In Progress",
    "OPEN_DEAL": "Open Deal",
    "UNQUALIFIED": "Unqualified",
    "ATTEMPTED_TO_CONTACT": "Attempted to Contact",
    "CONNECTED": "Connected",
    "BAD_TIMING": "Bad Timing",
}
BOUNCE_REASONS = {
    "CONTENT": "Content",
    "MAILBOX_FULL": "Mailbox full",
    "OTHER": "Other",
    "POLICY": "Policy",
    "SPAM": "Spam",
    "UNKNOWN_USER": "Unknown user",
}
YES_NO = {"true": "Yes", "false": "No"}
FIELD_TYPES = {"string": "text", "number": "number", "datetime": "date", "date": "date", "bool": "booleancheckbox", "enumeration": "select"}


def definition(name: str, label: str, kind: str, group: str, *, read_only: bool = False, options: dict[str, str] | None = None, field_type: str = "") -> Json:
    """A property HubSpot defines, as the properties API gives it."""
    values = YES_NO if kind == "bool" and options is None else options or {}
    return {
        "name": name,
        "label": label,
        "type": kind,
        "fieldType": field_type or FIELD_TYPES[kind],
        "description": "",
        "groupName": group,
        "options": [
            {"label": text, "value": value, "displayOrder": order, "hidden": False, "description": ""} for order, (value, text) in enumerate(values.items())
        ],
        "displayOrder": -1,
        "calculated": False,
        "externalOptions": False,
        "hasUniqueValue": False,
        "hidden": False,
        "hubspotDefined": True,
        "modificationMetadata": {"archivable": False, "readOnlyDefinition": True, "readOnlyOptions": True, "readOnlyValue": read_only},
        "formField": not read_only,
        "archived": False,
    }


def _own(name: str, label: str, kind: str = "string", group: str = "contactinformation", *, options: dict[str, str] | None = None) -> Json:
    return definition(name, label, kind, group, options=options)


def _set_by_hubspot(name: str, label: str, kind: str, group: str, *, options: dict[str, str] | None = None) -> Json:
    return definition(name, label, kind, group, read_only=True, options=options)


def _list_set_by_hubspot(name: str, label: str) -> Json:
    return definition(name, label, "enumeration", "contactinformation", read_only=True, field_type="checkbox")


_EMAIL, _WEB, _CONVERSION, _ACTIVITY, _DEAL = (
    "emailinformation",
    "analyticsinformation",
    "conversioninformation",
    "contact_activity",
    "deal_information",
)
DEFAULTS: dict[str, Json] = {
    str(one["name"]): one
    for one in (
        _own("email", "Email"),
        _own("firstname", "First Name"),
        _own("lastname", "Last Name"),
        definition("phone", "Phone Number", "string", "contactinformation", field_type="phonenumber"),
        definition("mobilephone", "Mobile Phone Number", "string", "contactinformation", field_type="phonenumber"),
        _own("company", "Company Name"),
        _own("jobtitle", "Job Title"),
        _own("address", "Street Address"),
        _own("city", "City"),
        _own("state", "State/Region"),
        _own("zip", "Postal Code"),
        _own("country", "Country/Region"),
        _own("website", "Website URL"),
        definition("lifecyclestage", "Lifecycle Stage", "enumeration", "contactinformation", options=LIFECYCLE, field_type="radio"),
        _own("hs_lead_status", "Lead Status", "enumeration", "sales_properties", options=LEAD_STATUS),
        _set_by_hubspot("createdate", "Create Date", "datetime", "contactinformation"),
        _set_by_hubspot("lastmodifieddate", "Last Modified Date", "datetime", "contactinformation"),
        _set_by_hubspot("hs_object_id", "Record ID", "number", "contactinformation"),
        _set_by_hubspot("hs_email_domain", "Email Domain", "string", "contactinformation"),
        _list_set_by_hubspot("hs_additional_emails", "Additional email addresses"),
        _list_set_by_hubspot("hs_merged_object_ids", "Merged Contact IDs"),
        _set_by_hubspot("hs_email_delivered", "Marketing emails delivered", "number", _EMAIL),
        _set_by_hubspot("hs_email_open", "Marketing emails opened", "number", _EMAIL),
        _set_by_hubspot("hs_email_click", "Marketing emails clicked", "number", _EMAIL),
        _set_by_hubspot("hs_email_bounce", "Marketing emails bounced", "number", _EMAIL),
        _set_by_hubspot("hs_email_replied", "Marketing emails replied", "number", _EMAIL),
        _set_by_hubspot("hs_email_first_reply_date", "First marketing email reply date", "datetime", _EMAIL),
        _set_by_hubspot("hs_email_last_reply_date", "Last marketing email reply date", "datetime", _EMAIL),
        _set_by_hubspot("hs_email_first_send_date", "First marketing email send date", "datetime", _EMAIL),
        _set_by_hubspot("hs_email_last_send_date", "Last marketing email send date", "datetime", _EMAIL),
        _set_by_hubspot("hs_email_first_open_date", "First marketing email open date", "datetime", _EMAIL),
        _set_by_hubspot("hs_email_last_open_date", "Last marketing email open date", "datetime", _EMAIL),
        _set_by_hubspot("hs_email_first_click_date", "First marketing email click date", "datetime", _EMAIL),
        _set_by_hubspot("hs_email_last_click_date", "Last marketing email click date", "datetime", _EMAIL),
        _set_by_hubspot("hs_email_last_email_name", "Last marketing email name", "string", _EMAIL),
        _set_by_hubspot("hs_email_sends_since_last_engagement", "Sends Since Last Engagement", "number", _EMAIL),
        _set_by_hubspot("hs_email_optout", "Unsubscribed from all email", "bool", _EMAIL),
        _set_by_hubspot("hs_email_quarantined", "Email Address Quarantined", "bool", _EMAIL),
        _set_by_hubspot("hs_email_bad_address", "Invalid email address", "bool", _EMAIL),
        _set_by_hubspot("hs_email_hard_bounce_reason_enum", "Email hard bounce reason", "enumeration", _EMAIL, options=BOUNCE_REASONS),
        _set_by_hubspot("hs_marketable_status", "Marketing contact status", "bool", _EMAIL),
        _set_by_hubspot("hs_analytics_num_page_views", "Number of Pageviews", "number", _WEB),
        _set_by_hubspot("hs_analytics_num_visits", "Number of Sessions", "number", _WEB),
        _set_by_hubspot("hs_analytics_average_page_views", "Average Pageviews", "number", _WEB),
        _set_by_hubspot("hs_analytics_first_timestamp", "Time First Seen", "datetime", _WEB),
        _set_by_hubspot("hs_analytics_last_timestamp", "Time Last Seen", "datetime", _WEB),
        _set_by_hubspot("hs_analytics_first_visit_timestamp", "Time of First Session", "datetime", _WEB),
        _set_by_hubspot("hs_analytics_last_visit_timestamp", "Time of Last Session", "datetime", _WEB),
        _set_by_hubspot("hs_analytics_first_url", "First Page Seen", "string", _WEB),
        _set_by_hubspot("hs_analytics_last_url", "Last Page Seen", "string", _WEB),
        _own("hs_analytics_source", "Original Source", "enumeration", _WEB, options=SOURCES),
        _own("hs_latest_source", "Latest Source", "enumeration", _WEB, options=SOURCES),
        _own("hs_latest_source_timestamp", "Latest Source Date", "datetime", _WEB),
        _set_by_hubspot("num_conversion_events", "Number of Form Submissions", "number", _CONVERSION),
        _set_by_hubspot("recent_conversion_date", "Recent Conversion Date", "datetime", _CONVERSION),
        _set_by_hubspot("recent_conversion_event_name", "Recent Conversion", "string", _CONVERSION),
        _set_by_hubspot("first_conversion_date", "First Conversion Date", "datetime", _ACTIVITY),
        _set_by_hubspot("hs_last_sales_activity_timestamp", "Last Engagement Date", "datetime", _ACTIVITY),
        _set_by_hubspot("num_associated_deals", "Number of Associated Deals", "number", _DEAL),
        _set_by_hubspot("recent_deal_amount", "Recent Deal Amount", "number", _DEAL),
        _set_by_hubspot("total_revenue", "Total Revenue", "number", _DEAL),
    )
}
