"""The reverse proxy before the services' APIs, and the sessions that pages keep in cookies."""
