"""How many events of a search lie in each bucket of time, by type."""
