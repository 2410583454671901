"""`make bench-http`: check-ins, rosters and people over HTTP on the whole stack."""
