"""Attendance: check-in, check-out, and every later revision of a service record."""
