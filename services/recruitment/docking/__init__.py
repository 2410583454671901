"""Docking of teams with sites, as dated facts."""
