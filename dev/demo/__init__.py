"""The demo district: the figures of a district's report, played through the real services."""
