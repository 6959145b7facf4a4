"""Calls of Shopify's GraphQL Admin API (shopify.dev, "GraphQL Admin API reference" and "API rate limits")."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import structlog
from django.conf import settings
from django.utils import timezone

from integrations import http, tokens
from integrations.errors import IntegrationError, Misconfigured, NotFound, RateLimited, Rejected, Transient, UnknownOutcome
from integrations.models import Connection
from integrations.shopify import documents, oauth
from integrations.throttle import LONGEST_WAIT, CostPacer, Shared, pacer, pause

log = structlog.get_logger(__name__)

TRIES = 4  # of one call that Shopify throttles, each after the wait it asks for
CALL_COST = 10.0  # points of a plain mutation; what a query costs is learned from its first answer
STANDARD_RATE = 100.0  # points a second on Shopify's smallest plans; larger ones restore more (shopify.dev, "API rate limits")
BUCKET_SECONDS = 20.0  # a full bucket holds what is restored in so many seconds, on every plan
_SCOPE = re.compile(r"`((?:read|write)_\w+)`")
_UNKNOWN = frozenset({"INTERNAL_SERVER_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE"})
_MISSING = frozenset({"NOT_FOUND", "RESOURCE_NOT_FOUND"})

Error = Mapping[str, Any]


class Admin:
    """The Admin API of one store with one given token."""

    def __init__(self, domain: str, token: str, pace: CostPacer | None = None) -> None:
        self.domain = domain
        self._given = token
        self._pacer = pace or pacer(("shopify", domain), CostPacer)
        self._costs: dict[str, float] = pacer(("shopify", "costs of documents"), dict)

    @property
    def rate(self) -> float:
        """Points that the store's plan restores each second: as was last told, else those of the smallest plans."""
        return self._pacer.rate or STANDARD_RATE

    @property
    def available(self) -> float:
        """Points that can be spent without waiting, as far as is known; a full bucket of the smallest plans before anything was told."""
        return self._pacer.available if self._pacer.rate else BUCKET_SECONDS * STANDARD_RATE

    def execute(self, document: str, variables: Mapping[str, Any] | None = None, text: str = "") -> dict[str, Any]:
        """The `data` of the document's answer, complete: any error in the answer is raised as one of `integrations.errors`.

        `text` is what is sent where the document has parts to choose from; without it none is asked for.
        """
        safe = documents.changes_nothing(document)
        data, errors = self._ask(document, text or documents.text(document), variables or {}, safe=safe)
        if errors:
            _raise(errors, safe=safe)
        return data

    def batch(self, calls: Sequence[tuple[str, Mapping[str, Any]]]) -> list[dict[str, Any] | IntegrationError]:
        """The answer to each of several mutations sent as one call, or the error of that one alone.

        Raises an error of `integrations.errors` when it concerns the call as a whole.
        """
        text, variables = documents.batch(calls)
        data, errors = self._ask("", text, variables, safe=False, cost=CALL_COST * len(calls))
        own: dict[str, Error] = {}
        for error in errors:
            path = error.get("path") or ()
            if not path:
                _raise([error], safe=False)
            own.setdefault(str(path[0]), error)
        answers: list[dict[str, Any] | IntegrationError] = []
        for place in range(len(calls)):
            name = documents.alias(place)
            answer = data.get(name)
            if name in own or answer is None:
                answers.append(decision([own.get(name, {})], safe=False))
            else:
                answers.append(answer)
        return answers

    def _token(self, stale: str | None) -> str:
        if stale is not None:
            raise http.Unauthorized("Shopify does not take the access it has just granted; start again.")
        return self._given

    def _refused(self, token: str) -> IntegrationError:
        return http.Unauthorized("Shopify does not take the access it has just granted; start again.")

    def _ask(self, name: str, text: str, variables: Mapping[str, Any], *, safe: bool, cost: float | None = None) -> tuple[dict[str, Any], list[Error]]:
        """`data` (never null) and the errors beside it; waits out throttling for a bounded number of times."""
        wait = 0.0
        for _ in range(TRIES):
            ticket = self._pacer.wait(cost or self._costs.get(name, CALL_COST))
            try:
                answer = self._post({"query": text, "variables": dict(variables)}, safe=safe)
            except RateLimited as error:
                self._pacer.close(error.retry_after or 1.0)
                raise
            spent = _spent(answer)
            if spent:
                self._costs[name] = cost = spent.requested
                self._pacer.learn(spent.available, spent.rate, spent.maximum, ticket)
            errors = _errors(answer)
            if any(_code(error) == "THROTTLED" for error in errors):
                wait = spent.wait if spent else 1.0
                if not spent:
                    pause(wait)
                log.info("shopify.throttled", domain=self.domain, document=name, wait=round(wait, 1))
                if wait > LONGEST_WAIT:
                    break
                continue
            for search in (answer.get("extensions") or {}).get("search") or ():
                if search.get("warnings"):
                    said = http.without_personal_data(str(search["warnings"][0].get("message", "")))
                    raise Rejected(f"Shopify would ignore part of a filter: {said}")
            data = answer.get("data")
            if isinstance(data, dict):
                return data, errors
            _raise(errors or [{}], safe=safe)
        raise RateLimited("Shopify's rate limit is used up.", retry_after=max(1.0, wait))

    def _post(self, body: dict[str, Any], *, safe: bool) -> dict[str, Any]:
        token = self._token(None)
        try:
            return self._send(body, token, safe=safe)
        except http.Unauthorized:
            token = self._token(token)
        try:
            return self._send(body, token, safe=safe)
        except http.Unauthorized:
            raise self._refused(token) from None

    def _send(self, body: dict[str, Any], token: str, *, safe: bool) -> dict[str, Any]:
        url = f"{oauth.store_address(self.domain)}/admin/api/{settings.SHOPIFY_API_VERSION}/graphql.json"
        try:
            answer = http.send_json("POST", url, safe=safe, json=body, headers={"X-Shopify-Access-Token": token, "Accept": "application/json"})
        except NotFound:
            raise Misconfigured(f"Shopify has no store at {self.domain} that answers API version {settings.SHOPIFY_API_VERSION}.") from None
        if not isinstance(answer, dict):
            raise Transient("Shopify's answer is no GraphQL answer.") if safe else UnknownOutcome("Shopify's answer is no GraphQL answer.")
        return answer


class ShopifyClient(Admin):
    """The Admin API of a connected store; its token is renewed when needed, once more when Shopify answers 401."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection.account, "", CostPacer(kept=Shared(connection.pk, "points")))
        self._connection = connection

    def _token(self, stale: str | None) -> str:
        return tokens.access_token(self._connection, lambda refresh_token: oauth.refresh(self.domain, refresh_token), now=timezone.now(), stale=stale)

    def _refused(self, token: str) -> IntegrationError:
        return tokens.refused(self._connection, token)


class _Spent:
    """What an answer tells about the bucket of points."""

    def __init__(self, cost: Mapping[str, Any]) -> None:
        status = cost["throttleStatus"]
        self.requested = float(cost.get("requestedQueryCost") or CALL_COST)
        self.available = float(status["currentlyAvailable"])
        self.rate = float(status["restoreRate"])
        self.maximum = float(status["maximumAvailable"])

    @property
    def wait(self) -> float:
        return max(0.0, self.requested - self.available) / self.rate if self.rate else 1.0


def _spent(answer: Mapping[str, Any]) -> _Spent | None:
    try:
        return _Spent(answer["extensions"]["cost"])
    except (KeyError, TypeError, ValueError):
        return None


def _errors(answer: Mapping[str, Any]) -> list[Error]:
    errors = answer.get("errors") or []
    return [{"message": errors}] if isinstance(errors, str) else [error for error in errors if isinstance(error, dict)]


def _code(error: Error) -> str:
    return str((error.get("extensions") or {}).get("code", ""))


def _raise(errors: Sequence[Error], *, safe: bool) -> NoReturn:
    raise decision(errors, safe=safe)


def decision(errors: Sequence[Error], *, safe: bool) -> IntegrationError:
    """What a GraphQL error means; the first of several that is worse than a missing object."""
    error = next((each for each in errors if _code(each) not in _MISSING), errors[0])
    code = _code(error)
    said = http.without_personal_data(str(error.get("message", "")))
    if code == "ACCESS_DENIED":
        scope = _SCOPE.search(str((error.get("extensions") or {}).get("requiredAccess") or error.get("message", "")))
        need = f"the scope {scope[1]} is missing" if scope else said or "a scope or an approval for customer data is missing"
        return Misconfigured(f"Shopify denies access: {need}. Install the app again and allow it.")
    if code in _MISSING:
        return NotFound(f"Shopify: {said}")
    if code == "THROTTLED":
        return Transient("Shopify's rate limit is used up.")
    if code in _UNKNOWN or not error:
        message = "Shopify failed inside and did not say what became of the call."
        return Transient(message) if safe else UnknownOutcome(message)
    return Rejected(f"Shopify: {said}")
