"""Terms of orders: states, acts and reasons."""
