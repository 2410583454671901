"""The function that builds each service's API."""

__all__ = ["FACTORIES"]

FACTORIES = {"recruitment": "build_app", "points": "api", "notify": "api", "operations": "api"}
