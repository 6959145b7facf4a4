"""What the demo prints."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING, Any

from config.processes import Family

if TYPE_CHECKING:
    from segsync.demo.passes import Pass


_LEGEND = (
    "   members are people; tagged are customer records in Shopify and listed contacts in HubSpot: a person may have several or none,\n"
    "   and tags put on by hand count too. wrong are marks missing or too many, by a computation apart from SegSync."
)


def table(done: Pass) -> str:
    """One row per segment: members by the rules, tags and list members found on the other side, who moved, what differs."""
    head = f"   {'segment':<28}{'members':>9}{'tagged':>9}{'listed':>9}{'entered':>9}{'left':>7}{'wrong':>7}"
    rows = [
        f"   {row.handle:<28}{row.members:>9,}{row.tagged:>9,}{row.listed:>9,}"
        f"{done.entered.get(row.handle, row.members if not done.entered else 0):>9,}{done.left.get(row.handle, 0):>7,}{row.wrong:>7,}"
        for row in done.results
    ]
    return "\n".join([f"   {done.name}, {done.seconds:.0f} s", head, *rows, _LEGEND])


def memory(family: Family) -> dict[str, int]:
    """Peak resident memory of each process in MiB, as the kernel tells it."""
    family.tend()
    usage = {name: child.peak_kib // 1024 for name, child in family.children.items() if child.peak_kib}
    usage["demo"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return usage


def store_of(state: dict[str, Any]) -> dict[str, Any]:
    """The store and portal that the sandbox holds, with a sentence on their size."""
    shop, portal = state["stores"][0], state["portals"][0]
    counts = shop["counts"]
    told = (
        f"{shop['domain']}: {counts['customers']:,} customers, {counts['orders']:,} orders;"
        f" HubSpot portal {portal['hub_id']}: {portal['counts']['contacts']:,} contacts."
    )
    return {"domain": shop["domain"], "hub_id": portal["hub_id"], "told": told}
