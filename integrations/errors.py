"""Errors whose class is the decision. A connector raises nothing else; whoever catches one knows what to do.

Transient: try the same call again later. RateLimited: the same, not before `retry_after`. UnknownOutcome: the call may or
may not have been carried out: read back before it counts. Permanent: never retry this call as it is. NeedsReconnect: a
person must connect the account again. Misconfigured: a person must change a setting.
"""

from __future__ import annotations


class IntegrationError(Exception):
    """Base of all errors of connectors; `str()` is one sentence for a person, without secrets or personal data."""


class Transient(IntegrationError):
    """Worth another try after `retry_after` seconds (None: the caller's own schedule)."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RateLimited(Transient):
    """The platform asked to wait; the call was not carried out."""


class UnknownOutcome(Transient):
    """No answer that says whether the call was carried out: time-out, reset, 5xx, cut body."""


class Stopped(Transient):
    """The call was not made: meanwhile whoever asked for it does not want it any more."""


class Permanent(IntegrationError):
    """The platform will never accept this call as it is."""


class NotFound(Permanent):
    """The thing the call names is not there (any more)."""


class Rejected(Permanent):
    """The platform refused it and said why."""


class NeedsReconnect(IntegrationError):
    """The grant is gone: uninstalled, revoked or expired. A person must connect again."""


class Misconfigured(IntegrationError):
    """A setting, scope or plan makes this impossible until a person changes it."""


class Restart(Transient):
    """What the cursor stands for is gone (a job failed, a file expired): begin the window again from its start."""
