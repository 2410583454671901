"""operations: the index of every event, and what operators see of the streams."""
