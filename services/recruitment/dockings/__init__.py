"""Dockings of teams with sites, as they are kept."""
