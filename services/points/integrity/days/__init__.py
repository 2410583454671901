"""A person's day."""
