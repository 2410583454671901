"""The operators' console: the event streams live, searched and traced, and what engineers do about them."""
