"""Periods of business time that figures are about."""
