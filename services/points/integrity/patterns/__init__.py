"""Patterns across streams: approvals, sign-ups, pickups and drives."""
