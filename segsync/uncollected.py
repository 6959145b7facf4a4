"""Work that makes hundreds of thousands of short-lived objects, none of them in a circle, without having them searched for circles.

Measured while judging 2,500 customers: the cyclic collector took two fifths of the processor's time, and found nothing.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_within = 0


@contextmanager
def uncollected() -> Iterator[None]:
    """Nothing is searched for circles within; reference counts free what is done with all the same. For one bounded batch at a time."""
    global _within
    with _lock:
        if _within == 0:
            gc.disable()
        _within += 1
    try:
        yield
    finally:
        with _lock:
            _within -= 1
            if _within == 0:
                gc.enable()
