"""Pages for everybody, and the ways in."""
