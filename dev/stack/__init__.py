"""The embedded stack: PostgreSQL, a broker and every service's processes on one machine, without root or Docker."""
