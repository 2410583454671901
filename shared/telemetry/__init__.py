"""What a process tells about itself: trace context, JSON logs and metrics."""
