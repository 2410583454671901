"""The version of the code, which each process names among its metrics."""

__all__ = ["VERSION"]

VERSION = "0.1.0"
