"""Pages of residents who order: placing an order, and following it."""
