"""Figures of orders: their ends, how long each state took, and how content residents are."""
