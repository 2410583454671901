"""The beat of a service, published for operations."""
