"""Voids that confirmed cases proposed, and the flags that are left."""
