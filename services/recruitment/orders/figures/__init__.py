"""Figures of orders: how many came to which end, how long each state took, and how content residents are."""
