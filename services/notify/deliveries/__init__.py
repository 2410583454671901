"""Deliveries: one row per event, volunteer and channel, and the attempts at it."""
