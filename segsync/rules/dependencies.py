"""Which segments ask about which: the order to judge them in, and cycles refused by name."""

from __future__ import annotations

from collections.abc import Mapping

from segsync.rules import tree
from segsync.rules.errors import RuleError
from segsync.rules.windows import handles


class CycleError(RuleError):
    """Segments that ask about each other in a circle; `path` goes once around, its first handle again at the end."""

    def __init__(self, path: tuple[str, ...]) -> None:
        """Keep the path and say it."""
        self.path = path
        super().__init__(f"the segments {' → '.join(path)} depend on each other in a circle; take `segments CONTAINS` out of one of them.")


def order(rules: Mapping[str, tree.Rule]) -> list[str]:
    """Every handle after those that its rule asks about; otherwise as given. Raises CycleError. Unknown handles are left alone."""
    asked = {handle: tuple(other for other in handles(rule) if other in rules) for handle, rule in rules.items()}
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
            waiting = [other for other in asked[handle] if other not in done]
            if not waiting:
                done[handle] = None
                del path[handle]
                stack.pop()
            elif waiting[0] in path:
                around = list(path)
                raise CycleError((*around[around.index(waiting[0]) :], waiting[0]))
            else:
                stack.append(waiting[0])
    return list(done)
