"""The live pulse: one tail of the topic for all browsers, sent on as server-sent events."""
