"""The gateway on one address, the pages, and the tail of the live pulse. Owns no data."""
