"""Activities and their shifts: planned, opened for sign-up, closed with the residents they served."""
