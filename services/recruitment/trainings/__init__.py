"""Volunteer organisations and the trainings that they attend."""
