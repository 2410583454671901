"""The ledger's transfers whole and in partitions by volunteer, measured in turn."""
