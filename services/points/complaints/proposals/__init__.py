"""Complaints of residents in ratings of orders, which a person records as complaints or dismisses."""
