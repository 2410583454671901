"""Tests of the whole stack: HTTP and a browser. Page tests share a stack and a browser, which end with this package."""
