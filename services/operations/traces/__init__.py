"""Traces: all events of one correlation id in order of time, with the time of each hop."""
