"""Earning rules: versions as data, and the one pure function from which points come."""
