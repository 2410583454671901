"""The audit trail of all services: who did what on the streams, from the topic that carries each act."""
