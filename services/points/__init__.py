"""Points: rules that say what service is worth, the ledger that keeps it, badges, rewards and their account."""
