"""Monitors over the streams: readings against thresholds, and the alerts that they raise and clear."""
