"""Peers out of the box, each with only a sum of minutes per volunteer; run in an environment of their own."""
