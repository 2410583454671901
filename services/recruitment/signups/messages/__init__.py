"""Messages to the people of a shift, by those who run it."""
