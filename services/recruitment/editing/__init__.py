"""Editing and closing of sites, teams, themes, projects, drives and appeals, and the history of every change."""
