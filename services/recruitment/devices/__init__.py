"""Devices at sites, and the signed batches of attendance that they upload."""
