"""The file of all that is held about one volunteer, for that volunteer."""
