"""Answers of volunteers about records that were closed automatically."""
