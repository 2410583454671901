"""The ingest and the rehearsal on a ledger that has grown: ten million transfers of a million volunteers."""
