"""Complaints about service: facts that points itself keeps beside the records."""
