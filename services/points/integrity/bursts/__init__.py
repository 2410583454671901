"""A recorder's ten minutes."""
