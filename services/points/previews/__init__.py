"""Previews: what service will be worth, computed by the function that decides after it."""
