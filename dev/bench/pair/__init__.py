"""The ingest of two checkouts in turn, batch by batch, on one history."""
