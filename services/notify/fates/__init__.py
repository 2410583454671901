"""Fates of events in the inboxes."""
