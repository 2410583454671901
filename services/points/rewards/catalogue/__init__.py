"""The catalogue as people see and keep it: what a volunteer may take now, changes of a line, the history of a shelf."""
