"""HTTP for every service: the app with its guards, problems, idempotency, cursors, and the processes that serve it."""
