"""Messages: what a volunteer is told, where, and whether it got there."""
