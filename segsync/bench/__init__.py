"""How fast it is: facts made up at any size, and the same work done by hand beside it."""
