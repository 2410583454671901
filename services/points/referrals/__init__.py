"""Referrals: the volunteer that brought in another one, kept by points itself beside the records."""
