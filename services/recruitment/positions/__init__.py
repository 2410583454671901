"""Positions of sites, from which a phone computes its distance at check-in."""
