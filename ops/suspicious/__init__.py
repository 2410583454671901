"""Doubtful service records that exist: a report for people, which changes nothing."""
