"""The demo: a store and a portal of the sandbox, connected as a merchant would, watched until every mark is written, and checked.

The check (`oracle.py` with `sql/`) is computed apart from what it checks: it reads the sandbox's raw facts only and knows nothing of
SegSync's rule language, evaluators or database. When a starter segment's rule changes, its query there is rewritten by hand.
"""
