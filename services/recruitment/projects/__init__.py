"""Brand projects with their activities and honours."""
