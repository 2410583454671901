"""The terms of a rule."""
