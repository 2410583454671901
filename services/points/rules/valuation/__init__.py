"""Valuation: what the records of a bucket are worth under a rulebook, whoever asks."""
