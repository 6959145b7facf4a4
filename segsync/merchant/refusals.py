"""Why a connection could not be made, told to the person who tried, and the page's status that goes with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from integrations.errors import IntegrationError, Misconfigured, Permanent, Transient


class Refused(Exception):
    """The connection was not made and nothing was changed; `str()` is one sentence that says what to do.

    `again` is an address of ours from which to try again ("" where trying again would not help).
    """

    def __init__(self, sentence: str, *, status: int = 400, again: str = "") -> None:
        super().__init__(sentence)
        self.status = status
        self.again = again


@contextmanager
def told_to_people(platform: str, again: str) -> Iterator[None]:
    """Turn a connector's error inside the block into `Refused`, with a sentence that stands on its own."""
    try:
        yield
    except Transient as error:
        raise Refused(f"{platform} could not be reached just now ({_clause(error)}); wait a minute and try again.", status=503, again=again) from error
    except Misconfigured as error:
        raise Refused(f"This SegSync is not set up for {platform} yet ({_clause(error)}); ask whoever runs it.", status=503) from error
    except Permanent as error:
        raise Refused(str(error), status=400, again=again) from error
    except IntegrationError as error:
        raise Refused(f"{platform} did not accept the connection ({_clause(error)}); start again.", status=400, again=again) from error


def _clause(error: IntegrationError) -> str:
    return str(error).strip().rstrip(".") or "no reason given"
