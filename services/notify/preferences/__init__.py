"""Preferences: which channels a volunteer wants, and when not."""
