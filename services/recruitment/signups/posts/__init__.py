"""Posts of a shift: tasks with places of their own."""
