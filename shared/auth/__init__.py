"""Who is calling, and what they may do: tokens, roles, and the mark that every route carries."""
