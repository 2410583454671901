"""Details of an order: who may read them when, the looks that are kept, and the one-time code at the door."""
