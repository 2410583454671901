"""The menu: needs that can be ordered, and the calendar of working days."""
