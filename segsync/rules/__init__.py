"""The rule language: text to tree, tree to meaning.

Everything here save `models.py`, `apps.py` and the migrations is pure Python: no database, no web framework, no clock of its own.
"""
