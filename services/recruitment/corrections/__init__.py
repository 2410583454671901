"""Corrections: confirm, correct or void a service record, each as a new revision with its reason."""
