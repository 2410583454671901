"""Phones and e-mail addresses of volunteers, and how they change."""
