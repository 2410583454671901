"""Keys of the vault: what lies under which, and moving it to the current ones."""
