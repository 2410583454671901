"""Suspicions: records of confirmed integrity cases count no more until another site decides."""
