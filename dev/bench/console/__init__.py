"""The bench of the operators' console."""
