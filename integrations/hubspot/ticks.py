"""Who has our property ticked, and ticking and emptying it: every change its own outcome, one bad one never spoiling its neighbours.

Source: developers.hubspot.com, "Update contacts" (batch): values given overwrite, an empty text clears a value, and a property
that does not exist refuses the batch; "Error handling": a 207 names in `errors` what was not done. Emptied rather than set to
"false", so that nothing of ours stays with people who leave, and "is known" finds those inside. A batch follows the id of a
merged contact to the survivor: hence contacts are read first, and only those that are still themselves are written to.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence

from integrations.base import Change, Holder, Holders, Outcome, Place, Result
from integrations.errors import IntegrationError, Misconfigured, NeedsReconnect, NotFound, Rejected, Transient, UnknownOutcome
from integrations.hubspot.client import BATCH, HubSpotClient, items
from integrations.hubspot.memberships import is_record_id
from integrations.hubspot.properties import DELETED, NOT_MADE, ours, unwritable
from integrations.hubspot.refusals import words
from integrations.hubspot.search import PAGE
from integrations.hubspot.transport import Json

TICKED, EMPTY = "true", ""
GONE = "HubSpot does not have this contact (any more)."
CALLS = 2  # for each batch of contacts: how they stand, then what changes
_SPLITS = 64  # halvings in one write: enough to single out some bad changes, few enough to end
_SILENT = 2  # calls in a row without an answer after which the rest is left for later

Batch = dict[str, list[Change]]  # contact id -> its changes, each of another property


def ticked_among(client: HubSpotClient, place: Place, members: Collection[str]) -> dict[str, bool | None]:
    """Whether each contact has the property ticked now; None for contacts that are gone. Raises NotFound when the property is."""
    if not place.external_id:
        raise NotFound(NOT_MADE)
    ours(client, place)  # contacts are read without a word on properties that do not exist
    ids = [one for one in dict.fromkeys(members) if is_record_id(one)]
    found = {key: value for start in range(0, len(ids), BATCH) for key, value in _values(client, ids[start : start + BATCH], [place.name]).items()}
    return {one: found[one].get(place.name) == TICKED if one in found else None for one in members}


def holders(client: HubSpotClient, place: Place, cursor: str) -> Iterator[Holders]:
    """Contacts who have the property ticked, by id; `cursor` is the last id told. Raises NotFound when the property is gone.

    Asks for the ids above the last one, as `search.changed` does, and so ends and misses none; the search index lags by seconds.
    """
    ours(client, place)  # a search by a property that does not exist is refused
    last, more = int(cursor or 0), True
    while more:
        filters = [{"propertyName": place.name, "operator": "EQ", "value": TICKED}, {"propertyName": "hs_object_id", "operator": "GT", "value": str(last)}]
        by_id = [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
        answer = client.search_contacts({"filterGroups": [{"filters": filters}], "sorts": by_id, "properties": [place.name], "limit": PAGE})
        found = [one for contact in items(answer, "results") if is_record_id(one := str(contact.get("id")))]
        newest = max(map(int, found), default=last)
        more = bool(answer.get("paging")) and bool(found)
        if found and newest <= last:
            raise Transient("HubSpot's search gave the same contacts twice.")
        last = newest
        yield Holders([Holder(one) for one in found], str(last) if more else "")


def change_ticks(client: HubSpotClient, changes: Sequence[Change]) -> list[Outcome]:
    """Carry out the changes, at most 100 contacts in a call with all of their properties; one outcome for each.

    Raises only when nothing was carried out.
    """
    outcomes = [Outcome(one.key, *_untold(one)) for one in changes if _untold(one)]
    waiting = deque(_batches([one for one in changes if not _untold(one)]))
    refused: dict[str, str] = {}  # property -> why no value of it can be set
    looked_at: set[str] = set()
    splits = silent = 0
    while waiting:
        batch = {member: kept for member, some in waiting.popleft().items() if (kept := [one for one in some if one.place.name not in refused])}
        if not batch:
            continue
        try:
            told, batch = _as_wanted(client, batch)
            outcomes += told
            if batch:
                outcomes += _told(batch, client.update_contacts([_input(member, some) for member, some in batch.items()]))
            silent = 0
        except UnknownOutcome as error:
            outcomes += _all(batch, Result.UNKNOWN, str(error))
            silent += 1
            if silent == _SILENT:
                return outcomes + [outcome for left in waiting for outcome in _all(left, Result.UNSENT, str(error))]
        except Rejected as error:
            new = {one.place.name: one.place for some in batch.values() for one in some if one.place.name not in looked_at}
            looked_at |= set(new)
            problems = {name: problem for name, place in new.items() if (problem := _problem(client, place))}
            if problems:
                refused |= problems
                outcomes += _refused(batch, refused)
                outcomes += [outcome for left in waiting for outcome in _refused(left, problems)]
                waiting.appendleft(batch)
            elif len(batch) == 1:
                outcomes += _all(batch, Result.REJECTED, str(error))
            elif splits == _SPLITS:
                outcomes += _all(batch, Result.RETRY, str(error))
            else:
                splits += 1
                members = list(batch)
                halves = (members[len(members) // 2 :], members[: len(members) // 2])
                waiting.extendleft({member: batch[member] for member in half} for half in halves)
        except (Transient, NeedsReconnect, Misconfigured) as error:
            if not any(one.result in (Result.DONE, Result.ALREADY, Result.GONE, Result.UNKNOWN) for one in outcomes):
                raise
            return outcomes + [outcome for left in (batch, *waiting) for outcome in _all(left, Result.UNSENT, str(error))]
    return outcomes


def _untold(one: Change) -> tuple[Result, str] | tuple[()]:
    """What becomes of a change that cannot even be asked for; () for all others."""
    if not is_record_id(one.member):
        return Result.REJECTED, "This is not the id of a HubSpot contact."
    return () if one.place.external_id else (Result.RETRY, NOT_MADE)


def _batches(changes: Sequence[Change]) -> Iterator[Batch]:
    """At most 100 contacts at a time; no property twice for one contact, so that in and out again happen in that order."""
    batch: Batch = {}
    for one in changes:
        held = batch.get(one.member)
        if any(other.place.name == one.place.name for other in held or ()) or (held is None and len(batch) == BATCH):
            yield batch
            batch = {}
        batch.setdefault(one.member, []).append(one)
    if batch:
        yield batch


def _as_wanted(client: HubSpotClient, batch: Batch) -> tuple[list[Outcome], Batch]:
    """What need not be told, with its outcomes, and what is left to tell."""
    names = sorted({one.place.name for some in batch.values() for one in some})
    found = _values(client, list(batch), names)
    outcomes: list[Outcome] = []
    rest: Batch = {}
    for member, some in batch.items():
        for one in some:
            if member not in found:
                outcomes.append(Outcome(one.key, Result.GONE, GONE))
            elif one.place.name in found[member] and (found[member][one.place.name] or EMPTY) == _value(one):  # left out: no such property
                outcomes.append(Outcome(one.key, Result.ALREADY))
            else:
                rest.setdefault(member, []).append(one)
    return outcomes, rest


def _values(client: HubSpotClient, ids: Sequence[str], names: Sequence[str]) -> dict[str, Mapping[str, object]]:
    """The properties of those ids that are contacts of their own: not deleted, not merged into another one."""
    found = {str(contact.get("id")): contact.get("properties") for contact in client.contacts_by(ids, names)}
    return {one: values for one in ids if isinstance(values := found.get(one), dict)}


def _input(member: str, some: Sequence[Change]) -> Json:
    return {"id": member, "properties": {one.place.name: _value(one) for one in some}}


def _value(one: Change) -> str:
    return TICKED if one.add else EMPTY


def _told(batch: Batch, answer: Json) -> list[Outcome]:
    """What the answer says of each change; one of which it says nothing may have been carried out or not."""
    done = {str(contact.get("id")) for contact in items(answer, "results")}
    errors = {member: error for error in items(answer, "errors") for member in _named(error)}
    outcomes: list[Outcome] = []
    for member, some in batch.items():
        if member in done:
            result, detail = Result.DONE, ""
        elif member not in errors:
            result, detail = Result.UNKNOWN, "HubSpot did not say what became of this contact."
        elif errors[member].get("category") == "OBJECT_NOT_FOUND":
            result, detail = Result.GONE, GONE
        else:
            result, detail = Result.REJECTED, words(errors[member])
        outcomes += [Outcome(one.key, result, detail) for one in some]
    return outcomes


def _named(error: Json) -> list[str]:
    context = error.get("context")
    ids = context.get("ids") if isinstance(context, dict) else None
    return [str(one) for one in ids] if isinstance(ids, list) else []


def _problem(client: HubSpotClient, place: Place) -> str:
    """Why the property takes no values; "" when it does, or when HubSpot does not tell now."""
    try:
        return unwritable(ours(client, place))
    except NotFound:
        return DELETED
    except IntegrationError:
        return ""


def _refused(batch: Batch, problems: Mapping[str, str]) -> list[Outcome]:
    return [Outcome(one.key, Result.REJECTED, problems[one.place.name]) for some in batch.values() for one in some if one.place.name in problems]


def _all(batch: Batch, result: Result, detail: str) -> list[Outcome]:
    return [Outcome(one.key, result, detail) for some in batch.values() for one in some]
