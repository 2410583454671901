"""Heartbeats: each process keeps a row of its service, and the relay publishes what the service's rows say."""
