"""The live pulse: records and points per minute by site and drive. Rebuilt at will; no balance lives here."""
