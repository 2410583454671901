"""The roll-call: staff and leaders record now who is there and who leaves; what an account asserts has caps."""
