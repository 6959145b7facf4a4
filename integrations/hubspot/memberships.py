"""Who is in a list, and putting people in and out: every change its own outcome, one bad one never spoiling its neighbours.

Source: developers.hubspot.com, "Lists", memberships. No cap on the ids of one call is documented, so a call that is
refused is halved until it passes or the one change that HubSpot does not take stands alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from integrations.base import Change, Holder, Holders, Outcome, Result
from integrations.errors import IntegrationError, Misconfigured, NeedsReconnect, NotFound, Rejected, Transient, UnknownOutcome
from integrations.hubspot.client import BATCH, MEMBERS_PAGE, HubSpotClient, items, next_after
from integrations.hubspot.lists import DELETED, unwritable
from integrations.hubspot.mapping import instant
from integrations.hubspot.transport import Json

CHUNK = 1_000
_SPLITS = 64  # halvings in one write: enough to single out some bad changes, few enough to end
_SILENT = 2  # calls in a row without an answer after which the rest is left for later


def is_record_id(member: str) -> bool:
    """Whether HubSpot could have given this id to a contact."""
    return member.isascii() and member.isdigit() and len(member) <= 18


def members_among(client: HubSpotClient, list_id: str, members: Collection[str]) -> dict[str, bool | None]:
    """Whether each contact is in the list now; None for contacts that are gone. Raises NotFound when the list is."""
    found = client.list_by_id(list_id)
    if found.get("deletedAt"):
        raise NotFound(DELETED)
    ids = [one for one in dict.fromkeys(members) if is_record_id(one)]
    size = found.get("size")
    pages = -(-size // MEMBERS_PAGE) if isinstance(size, int) else len(ids)
    if pages + 1 < -(-len(ids) // BATCH):  # the size lags behind, hence the margin
        inside = set(ids) & set(_all_members(client, list_id))
        there = inside | _existing(client, [one for one in ids if one not in inside])
    else:  # a merged contact's old id answers for the survivor here, so only those that are still themselves are asked for
        there = _existing(client, ids)
        inside = {one for batch in _batches([one for one in ids if one in there], BATCH) for one in _in_list(client.memberships_of(batch), list_id)}
    answer: dict[str, bool | None] = dict.fromkeys(members)
    answer.update({one: True if one in inside else (False if one in there else None) for one in ids})
    return answer


def added_at(client: HubSpotClient, list_id: str, members: Collection[str]) -> dict[str, datetime]:
    """When those of these contacts who are in the list were last put there (`lastAddedTimestamp`); adding a member again leaves it as it is."""
    ids = [one for one in dict.fromkeys(members) if is_record_id(one)]
    records = (record for batch in _batches(ids, BATCH) for record in client.memberships_of(batch))
    held = ((str(record.get("recordId")), one) for record in records for one in items(record, "recordListMemberships") if str(one.get("listId")) == list_id)
    return {member: at for member, one in held if (at := instant(one.get("lastAddedTimestamp"))) is not None}


def change_members(client: HubSpotClient, changes: Sequence[Change]) -> list[Outcome]:
    """Carry out the changes, lists one after the other; one outcome for each. Raises only when nothing was carried out."""
    outcomes = [Outcome(one.key, *_untold(one)) for one in changes if _untold(one)]
    waiting = deque(_chunks([one for one in changes if not _untold(one)]))
    refused: dict[str, str] = {}  # list id -> why nobody's membership of it can be changed
    looked_at: set[str] = set()
    splits = silent = 0
    while waiting:
        chunk = waiting.popleft()
        list_id = chunk[0].place.external_id
        if list_id in refused:
            outcomes += _all(chunk, Result.REJECTED, refused[list_id])
            continue
        try:
            answer = client.change_members(list_id, _ids(chunk, add=True), _ids(chunk, add=False))
            outcomes += _told(chunk, answer)
            silent = 0
        except UnknownOutcome as error:
            outcomes += _all(chunk, Result.UNKNOWN, str(error))
            silent += 1
            if silent == _SILENT:
                return outcomes + _left(waiting, str(error))
        except NotFound:
            refused[list_id] = DELETED
            waiting.appendleft(chunk)
        except Rejected as error:
            if list_id not in looked_at:
                looked_at.add(list_id)
                problem = _problem(client, list_id)
                if problem:
                    refused[list_id] = problem
                    waiting.appendleft(chunk)
                    continue
            if len(chunk) == 1:
                outcomes += _all(chunk, Result.REJECTED, str(error))
            elif splits == _SPLITS:
                outcomes += _all(chunk, Result.RETRY, str(error))
            else:
                splits += 1
                middle = len(chunk) // 2
                waiting.extendleft((chunk[middle:], chunk[:middle]))
        except (Transient, NeedsReconnect, Misconfigured) as error:
            if not any(one.result in (Result.DONE, Result.ALREADY, Result.GONE, Result.UNKNOWN) for one in outcomes):
                raise
            waiting.appendleft(chunk)
            return outcomes + _left(waiting, str(error))
    return outcomes


def _untold(one: Change) -> tuple[Result, str] | tuple[()]:
    """What becomes of a change that cannot even be asked for; () for all others."""
    if not is_record_id(one.member):
        return Result.REJECTED, "This is not the id of a HubSpot contact."
    if not one.place.external_id:
        return Result.RETRY, "The list has not been made in HubSpot yet."
    return ()


def _problem(client: HubSpotClient, list_id: str) -> str:
    """Why the list takes no members; "" when it does, or when HubSpot does not tell now."""
    try:
        return unwritable(client.list_by_id(list_id))
    except NotFound:
        return DELETED
    except IntegrationError:
        return ""


def _chunks(changes: Sequence[Change]) -> Iterator[list[Change]]:
    """The changes list by list, at most 1,000 at a time, nobody twice in one call."""
    by_list: dict[str, list[Change]] = {}
    for one in changes:
        by_list.setdefault(one.place.external_id, []).append(one)
    for group in by_list.values():
        chunk: list[Change] = []
        inside: set[str] = set()
        for one in group:
            if len(chunk) == CHUNK or one.member in inside:
                yield chunk
                chunk, inside = [], set()
            chunk.append(one)
            inside.add(one.member)
        yield chunk


def _told(chunk: Sequence[Change], answer: Mapping[str, object]) -> list[Outcome]:
    """What the answer says of each change. HubSpot spells one field in two ways and leaves empty ones out."""
    added = _texts(answer, "recordsIdsAdded") | _texts(answer, "recordIdsAdded")
    removed = _texts(answer, "recordIdsRemoved") | _texts(answer, "recordsIdsRemoved")
    missing = _texts(answer, "recordIdsMissing") | _texts(answer, "recordsIdsMissing")
    outcomes = []
    for one in chunk:
        done = one.member in (added if one.add else removed)
        result = Result.DONE if done else Result.GONE if one.member in missing else Result.ALREADY
        outcomes.append(Outcome(one.key, result, "HubSpot does not have this contact (any more)." if result is Result.GONE else ""))
    return outcomes


def _texts(answer: Mapping[str, object], name: str) -> set[str]:
    found = answer.get(name)
    return {str(one) for one in found} if isinstance(found, list) else set()


def _ids(chunk: Sequence[Change], *, add: bool) -> list[str]:
    return [one.member for one in chunk if one.add is add]


def _all(chunk: Sequence[Change], result: Result, detail: str) -> list[Outcome]:
    return [Outcome(one.key, result, detail) for one in chunk]


def _left(waiting: Collection[Sequence[Change]], detail: str) -> list[Outcome]:
    return [outcome for chunk in waiting for outcome in _all(chunk, Result.UNSENT, detail)]


def holders(client: HubSpotClient, list_id: str, cursor: str) -> Iterator[Holders]:
    """The members of a list by id, which is the order that HubSpot keeps (developers.hubspot.com, "Lists", get all memberships)."""
    while True:
        page = client.members_page(list_id, cursor)
        following = next_after(page)
        cursor = "" if following == cursor else following
        yield Holders([Holder(str(one.get("recordId"))) for one in items(page, "results")], cursor)
        if not cursor:
            return


def _all_members(client: HubSpotClient, list_id: str) -> Iterator[str]:
    return (one.member for page in holders(client, list_id, "") for one in page.people)


def _existing(client: HubSpotClient, ids: Sequence[str]) -> set[str]:
    """Those ids that are contacts of their own: not deleted, not merged into another one."""
    return {str(contact.get("id")) for batch in _batches(ids, BATCH) for contact in client.contacts_by(batch, ["hs_object_id"])} & set(ids)


def _in_list(records: Sequence[Json], list_id: str) -> Iterator[str]:
    for record in records:
        if any(str(held.get("listId")) == list_id for held in items(record, "recordListMemberships")):
            yield str(record.get("recordId"))


def _batches(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
