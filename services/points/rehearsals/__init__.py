"""A draft rule replayed over all history: what it would change, for whom, at which sites and when."""
