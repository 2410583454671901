"""Endings: close an activity or call it or a shift off, as it was previewed."""
