"""Changes of activities and shifts after planning: edits, postponement, shortening and calling off."""
