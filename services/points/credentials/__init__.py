"""Awards as Open Badges 3.0 credentials for public verification."""
