"""The schedule of those who run shifts: what is planned in a period, and how each shift stands."""
