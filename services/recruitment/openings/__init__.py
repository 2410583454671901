"""Opening hours and rota of sites, above all of service points."""
