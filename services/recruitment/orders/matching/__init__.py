"""Ranking of teams for an order."""
