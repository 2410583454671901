"""Lists of orders: the resident's own, the desk's, and offers to leaders with the reasons for a team."""
