"""Acts of recorders and devices."""
