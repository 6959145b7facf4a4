"""Tag changes as calls: one for each customer and direction, sent many at a time, each with its own outcome."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from integrations import http
from integrations.base import Change, Outcome, Result
from integrations.errors import IntegrationError, Misconfigured, NotFound, Permanent, UnknownOutcome
from integrations.shopify.client import ShopifyClient

AT_ONCE = 50  # calls in one request: 500 of the at most 1,000 points (shopify.dev, "API rate limits": 10 points a mutation)
TAGS_AT_ONCE = 250  # elements of one input list

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class TagCall:
    """One `tagsAdd` or `tagsRemove`, and the changes it carries out."""

    add: bool
    member: str
    changes: tuple[Change, ...]

    @property
    def document(self) -> str:
        """The name of its document."""
        return "add_tags" if self.add else "remove_tags"

    @property
    def field(self) -> str:
        """The name of its mutation."""
        return "tagsAdd" if self.add else "tagsRemove"

    @property
    def variables(self) -> dict[str, Any]:
        """The variables of its document."""
        return {"id": gid(self.member), "tags": [change.place.name for change in self.changes]}

    def outcomes(self, result: Result, detail: str = "") -> Iterator[Outcome]:
        """The same outcome for each of its changes."""
        return (Outcome(change.key, result, detail) for change in self.changes)


def chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """`items` in order, `size` at a time."""
    return (items[start : start + size] for start in range(0, len(items), size))


def is_id(member: str) -> bool:
    """Whether that can be the id of a customer at all."""
    return member.isascii() and member.isdigit()


def gid(member: str) -> str:
    """The global id of a customer."""
    return f"gid://shopify/Customer/{member}"


def calls_for(changes: Sequence[Change]) -> tuple[list[TagCall], list[Outcome]]:
    """The calls that carry out `changes`, and the outcomes of those that no call can."""
    grouped: dict[tuple[bool, str], list[Change]] = {}
    refused: list[Outcome] = []
    for change in changes:
        if not is_id(change.member):
            refused.append(Outcome(change.key, Result.REJECTED, "That is no id of a Shopify customer."))
        elif "," in change.place.name or not change.place.name.strip():
            refused.append(Outcome(change.key, Result.REJECTED, "A tag cannot be empty or hold a comma."))
        else:
            grouped.setdefault((change.add, change.member), []).append(change)
    calls = [TagCall(add, member, tuple(some)) for (add, member), all_ in grouped.items() for some in chunks(all_, TAGS_AT_ONCE)]
    return calls, refused


def write_directly(client: ShopifyClient, calls: Sequence[TagCall]) -> list[Outcome]:
    """Send the calls, AT_ONCE in a request. Raises only when nothing was carried out (`integrations.base.Destination.write`).

    After a request without an answer, or one that Shopify denies, nothing more is sent: the rest is left for later. A denial of
    everything is raised: no item is at fault then. A request that is refused as a whole is halved until it passes or the one call
    that Shopify does not take stands alone.
    """
    outcomes: list[Outcome] = []
    waiting = deque(chunks(calls, AT_ONCE))
    while waiting:
        some = waiting.popleft()
        try:
            answers = client.batch([(call.document, call.variables) for call in some])
        except UnknownOutcome as error:
            outcomes += _all(some, Result.UNKNOWN, str(error))
            return outcomes + _left(waiting, str(error))
        except Permanent as error:
            if len(some) == 1:
                outcomes += _all(some, Result.REJECTED, str(error))
            else:
                middle = len(some) // 2
                waiting.extendleft((some[middle:], some[:middle]))
        except IntegrationError as error:
            if not outcomes:
                raise
            waiting.appendleft(some)
            return outcomes + _left(waiting, str(error))
        else:
            for call, answer in zip(some, answers, strict=True):
                outcomes += judged(call, answer)
            denied = next((answer for answer in answers if isinstance(answer, Misconfigured)), None)
            if denied is not None:
                outcomes += _left(waiting, str(denied))
                if all(outcome.result in (Result.RETRY, Result.UNSENT) for outcome in outcomes):
                    raise denied
                return outcomes
    return outcomes


def judged(call: TagCall, answer: Mapping[str, Any] | IntegrationError) -> Iterator[Outcome]:
    """What Shopify's answer to one call means for each of its changes."""
    if isinstance(answer, NotFound):
        return call.outcomes(Result.GONE, str(answer))
    if isinstance(answer, Permanent):
        return call.outcomes(Result.REJECTED, str(answer))
    if isinstance(answer, IntegrationError):
        return call.outcomes(Result.UNKNOWN if isinstance(answer, UnknownOutcome) else Result.RETRY, str(answer))
    errors = answer.get("userErrors") or ()
    if not errors:
        return call.outcomes(Result.DONE) if answer.get("node") else call.outcomes(Result.GONE, "Shopify: the customer does not exist.")
    said = http.without_personal_data(str(errors[0].get("message", "")))
    gone = list(errors[0].get("field") or ()) == ["id"] and "not exist" in said
    return call.outcomes(Result.GONE if gone else Result.REJECTED, f"Shopify: {said}")


def _left(waiting: Iterable[Sequence[TagCall]], detail: str) -> list[Outcome]:
    return [outcome for some in waiting for outcome in _all(some, Result.UNSENT, detail)]


def _all(calls: Sequence[TagCall], result: Result, detail: str) -> list[Outcome]:
    return [outcome for call in calls for outcome in call.outcomes(result, detail)]
