"""The inbox: one message per event and volunteer."""
