"""Rehearsed drafts into force for everybody, and out again: two operators, batch by batch, equal to the prediction."""
