"""Badges and stars: criteria as data, judged from lifetime figures."""
