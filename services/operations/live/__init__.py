"""The live view: what the streams carry per minute, by type, site and drive, for the last hour."""
