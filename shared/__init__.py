"""Plumbing that every service shares; it holds no business rule and knows no service."""
