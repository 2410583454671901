"""Hours: their groups by the way they were recorded, and what a volunteer has of them."""
