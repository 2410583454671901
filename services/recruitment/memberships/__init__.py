"""Memberships and terms of teams, as they are kept."""
