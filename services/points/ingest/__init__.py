"""The ingest: a batch of revisions becomes records, worth, postings, badges and events in one transaction."""
