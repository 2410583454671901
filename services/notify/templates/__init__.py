"""Message templates: versioned data, rendered in a sandbox."""
