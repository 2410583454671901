"""Hours of volunteers without a record of the shift, entered afterwards."""
