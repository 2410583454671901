"""What records are worth under a rule."""
