"""Audits of the ledger in the background: asked for by engineers, run by the worker, their reports kept."""
