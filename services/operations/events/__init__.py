"""The index: every record of every topic once, searchable, and followed as it grows."""
