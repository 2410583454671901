"""Pages of a volunteer."""
