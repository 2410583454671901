"""What must hold in the data of points, whatever happened to it."""
