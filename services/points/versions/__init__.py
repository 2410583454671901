"""Documents that come in versions: rules, criteria, thresholds. How they are written, checked, hashed and installed."""
