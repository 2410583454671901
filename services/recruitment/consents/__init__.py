"""Consents of volunteers to the terms, by version."""
