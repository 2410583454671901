"""Messages: notices to recipients, their channels, and whether they arrived."""
