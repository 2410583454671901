"""Errors of records that volunteers point out to the site, and the site's answers."""
