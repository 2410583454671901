"""The waitlist of a full shift."""
