"""Leaders of the week, month and year: only volunteers who agreed to be shown, by their number."""
