"""The figures of service that badges are judged by."""
