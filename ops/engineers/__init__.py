"""Commands of engineers and auditors against the running services, with a token of their own."""
