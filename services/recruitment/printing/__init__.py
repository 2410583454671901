"""Printed sheets: one layout, drawn as SVG for a page and as PDF for a print shop."""
