"""Integrity: what looks like fraud across records becomes a case, which a person decides."""
