"""Valuation: the worth of the records of a bucket under a rulebook."""
