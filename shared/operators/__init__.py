"""Operators' routes of every service: dead letters, consumers, the fate of an event, the audit trail."""
