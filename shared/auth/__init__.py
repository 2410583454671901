"""Authentication and authorisation: tokens, roles, and the mark that every route carries."""
