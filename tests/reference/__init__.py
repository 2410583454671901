"""Plain models to hold the services against. They import nothing of them."""
