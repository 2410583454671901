"""Bounds: which volunteers a caller may read."""
