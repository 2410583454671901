"""The terms of windows."""
