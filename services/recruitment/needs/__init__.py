"""Need tags: which needs of residents there are, and which teams serve them."""
