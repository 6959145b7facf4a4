"""The outcome of the kill test as a table."""

from __future__ import annotations

from tests.chaos.run import DRAINED, Told


def table(told: Told) -> str:
    """What happened, and what must be none."""
    rows = [
        ("mode", told.mode),
        ("kill -9", f"{sum(told.kills.values())} ({', '.join(f'{kind} {number}' for kind, number in sorted(told.kills.items()))}) in {told.seconds:.0f} s"),
        ("webhooks answered with 200", f"{told.taken:,}, of which {told.repeated:,} repetitions; {told.refused:,} tries not answered so"),
        ("calls to the platforms", f"{told.calls:,}, answered badly or not at all {told.faulty_share:.0%}"),
        ("memberships begun", f"{told.moves:,}"),
        ("batches told", f"{told.attempts:,}; marks whose last word is a reading back {told.read_back:,}"),
        ("drained after the last kill", f"{told.drained_seconds} s (at most {DRAINED:.0f})"),
        ("webhooks lost", f"{len(told.lost)}"),
        ("wrong tags", f"{len(told.wrong_tags)}"),
        ("wrong list members", f"{len(told.wrong_list_members)}"),
        ("wrong memberships", f"{len(told.wrong_memberships)}"),
        ("marks of others touched", f"{len(told.foreign_touched)}"),
        ("parked", f"{told.parked}"),
    ]
    lines = [f"  {name:<30} {value}" for name, value in rows]
    return "\n".join([*lines, *(f"  NOT AS IT MUST BE: {one}" for one in told.violations)])
