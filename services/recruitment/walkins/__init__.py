"""Walk-ins: a place and the check-in by one tap of a volunteer who is there."""
