"""The admin: the only place with admin code. It shows rows, and changes them only through the stages' own verbs."""
