"""Contacts found or created by e-mail address, without touching those that are there already.

Source: developers.hubspot.com, "Contacts": a batch upsert by `email` fails whole when one address is no good, and its
results come in any order.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence

from integrations.base import Created, NewMember, Result
from integrations.errors import Misconfigured, NeedsReconnect, Rejected, Transient, UnknownOutcome
from integrations.hubspot.client import BATCH, HubSpotClient, items
from integrations.hubspot.mapping import emails
from integrations.hubspot.refusals import words
from integrations.hubspot.transport import Json

_SPLITS = 64
_PROPERTIES = ("email", "hs_additional_emails")


def find_or_create(client: HubSpotClient, people: Sequence[NewMember]) -> list[Created]:
    """One answer for each person; two with one address get one contact. Raises only when nothing was carried out."""
    by_address: dict[str, list[NewMember]] = {}
    for one in people:
        by_address.setdefault(address_key(one.email), []).append(one)
    answers: dict[str, Created] = {}
    waiting = deque(_batches([key for key in by_address if key]))
    splits = 0
    created = False
    while waiting:
        batch = waiting.popleft()
        try:
            for key, contact_id in _existing(client, batch).items():
                answers[key] = Created(0, contact_id, Result.ALREADY)
            new = [key for key in batch if key not in answers]
            if new:
                answers |= _upserted(new, client.upsert_contacts([by_address[key][0].email.strip() for key in new]))
                created = True
        except UnknownOutcome as error:
            answers |= {key: Created(0, "", Result.UNKNOWN, str(error)) for key in batch if key not in answers}
            created = True
        except Rejected as error:
            left = [key for key in batch if key not in answers]
            if len(left) == 1 or splits == _SPLITS:
                result = Result.REJECTED if len(left) == 1 else Result.RETRY
                answers |= {key: Created(0, "", result, _without(key, str(error))) for key in left}
            else:
                splits += 1
                waiting.extendleft((left[len(left) // 2 :], left[: len(left) // 2]))
        except (Transient, NeedsReconnect, Misconfigured) as error:
            if not created:
                raise
            for unasked in (batch, *waiting):
                answers |= {key: Created(0, "", Result.UNSENT, str(error)) for key in unasked if key not in answers}
            break
    nobody = Created(0, "", Result.REJECTED, "There is no e-mail address to create a contact with.")
    return [_for(one, answers.get(key, nobody)) for key, same in by_address.items() for one in same]


def address_key(email: str) -> str:
    """What makes two addresses the same: blanks around them and case do not count."""
    return email.strip().casefold()


def _existing(client: HubSpotClient, keys: Sequence[str]) -> dict[str, str]:
    """Contact ids of those addresses that a contact has, as its main one or as a further one."""
    found: dict[str, str] = {}
    for contact in client.contacts_by(keys, _PROPERTIES, "email"):
        for address in _addresses(contact):
            if address in keys:
                found.setdefault(address, str(contact.get("id") or ""))
    return {key: contact_id for key, contact_id in found.items() if contact_id}


def _upserted(keys: Sequence[str], answer: Json) -> dict[str, Created]:
    """What the answer says of each address; one of which it says nothing may have been created or not."""
    results = [contact for contact in items(answer, "results") if contact.get("id")]
    ids = {address: contact for contact in results for address in _addresses(contact)}
    if len(keys) == len(results) == 1:
        ids = {keys[0]: results[0]}  # HubSpot may spell an address in another way
    refused = {address_key(one): error for error in items(answer, "errors") for one in _named(error)}
    answers = {}
    for key in keys:
        if key in ids:
            result = Result.ALREADY if ids[key].get("new") is False else Result.DONE
            answers[key] = Created(0, str(ids[key]["id"]), result)
        elif key in refused:
            answers[key] = Created(0, "", Result.REJECTED, _without(key, words(refused[key])))
        else:
            answers[key] = Created(0, "", Result.UNKNOWN, "HubSpot did not say what became of this address.")
    return answers


def _named(error: Json) -> list[str]:
    context = error.get("context")
    ids = context.get("ids") if isinstance(context, dict) else None
    return [str(one) for one in ids] if isinstance(ids, list) else []


def _without(address: str, text: str) -> str:
    """HubSpot's words without the address they are about, which need not even look like one."""
    return re.sub(re.escape(address), "(address)", text, flags=re.IGNORECASE)


def _addresses(contact: Json) -> list[str]:
    properties = contact.get("properties")
    values = {str(name): str(value) for name, value in properties.items() if value} if isinstance(properties, dict) else {}
    return [address_key(email) for email in emails(values)]


def _for(one: NewMember, answer: Created) -> Created:
    return Created(one.key, answer.external_id, answer.result, answer.detail)


def _batches(keys: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(keys), BATCH):
        yield list(keys[start : start + BATCH])
