"""Reminders of shifts that are near."""
