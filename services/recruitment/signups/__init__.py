"""Sign-ups: places in shifts, never more than there are."""
