"""Orders: a resident's need, from its placing through review, team and service to its rating."""
