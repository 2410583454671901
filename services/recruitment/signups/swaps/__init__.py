"""Places that are passed on from one volunteer to another."""
