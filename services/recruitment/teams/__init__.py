"""Members of teams: requests, decisions, roles as dated facts."""
