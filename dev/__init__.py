"""What developers and newcomers run: the embedded stack, the demo, benchmarks, generators of docs. Not in the image."""
