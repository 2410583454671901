"""What service will be worth: said before it, by the function that will decide after it."""
