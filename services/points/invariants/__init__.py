"""Invariants of the data of points, and the checks that prove them."""
