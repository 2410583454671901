"""Manual adjustments of points: proposed by one operator, approved by another, posted as a bucket of their own."""
