"""Terms of attendance: records, their parts and the bounds of what counts."""
