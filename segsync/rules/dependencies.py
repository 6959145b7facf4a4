"""Which segments ask about which: the order to judge them in, and cycles refused by name."""

from __future__ import annotations

from collections.abc import Mapping

from segsync.rules import tree
from segsync.rules.errors import RuleError
from segsync.rules.windows import asks_every_segment, handles


class CycleError(RuleError):
    """Segments that ask about each other in a circle; `path` goes once around, its first handle again at the end."""

    def __init__(self, path: tuple[str, ...]) -> None:
        """Keep the path and say it."""
        self.path = path
        super().__init__(f"the segments {' → '.join(path)} depend on each other in a circle; take `segments` out of one of them.")


def order(rules: Mapping[str, tree.Rule]) -> list[str]:
    """Every handle after those that its rule asks about; otherwise as given. Raises CycleError. Unknown handles are left alone."""
    asked = _asked(rules)
    done: dict[str, None] = {}
    for start in rules:
        # A stack of our own: a chain of segments may be longer than Python's.
        stack = [start]
        path: dict[str, None] = {}
        while stack:
            handle = stack[-1]
            if handle in done:
                stack.pop()
                continue
            path[handle] = None
            waiting = next((other for other in asked[handle] if other not in done), None)
            if waiting is None:
                done[handle] = None
                del path[handle]
                stack.pop()
            elif waiting in path:
                around = list(path)
                raise CycleError((*around[around.index(waiting) :], waiting))
            else:
                stack.append(waiting)
    return list(done)


def circles(rules: Mapping[str, tree.Rule]) -> dict[str, CycleError]:
    """What is wrong with each handle that asks about itself, at once or by way of others; its path begins there and is the shortest."""
    asked = _asked(rules)
    return {handle: CycleError(path) for handle in rules if (path := _around(asked, handle))}


def refuse_circle(rules: Mapping[str, tree.Rule], handle: str) -> None:
    """Raise CycleError when the rule of `handle` asks about itself, at once or by way of others; circles elsewhere do not matter."""
    if path := _around(_asked(rules), handle):
        raise CycleError(path)


def _asked(rules: Mapping[str, tree.Rule]) -> dict[str, tuple[str, ...]]:
    """The handles that each rule asks about; one that asks about any segment asks about all others."""
    found: dict[str, tuple[str, ...]] = {}
    for handle, rule in rules.items():
        named = dict.fromkeys(other for other in handles(rule) if other in rules)
        others = (other for other in rules if other != handle) if asks_every_segment(rule) else ()
        found[handle] = tuple(named | dict.fromkeys(others))
    return found


def _around(asked: Mapping[str, tuple[str, ...]], start: str) -> tuple[str, ...]:
    """The shortest way from a handle back to it, with it at both ends; empty when there is none."""
    came_from: dict[str, str] = {}
    reached = [start]
    for handle in reached:  # grows while it is walked
        for other in asked[handle]:
            if other == start:
                path, last = [start], handle
                while last != start:
                    path.append(last)
                    last = came_from[last]
                return (start, *reversed(path))
            if other not in came_from:
                came_from[other] = handle
                reached.append(other)
    return ()
