"""What recorders and devices do."""
