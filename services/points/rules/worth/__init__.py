"""The worth of records under a rule."""
