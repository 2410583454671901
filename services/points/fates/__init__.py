"""Fates of attendance in the ledger and in the figures of teams."""
