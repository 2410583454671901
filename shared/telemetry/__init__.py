"""Telemetry of a process: trace context, JSON logs and metrics."""
