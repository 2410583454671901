"""Pages in Chinese for volunteers, staff and everybody: rendered here, from the services' APIs."""
