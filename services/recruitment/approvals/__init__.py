"""Approvals: what one account asserts, and what waits for the decision of another site."""
