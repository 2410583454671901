"""Deliveries: one row per event, recipient and channel, and the attempts at it."""
