"""The parties of an order: residents, sites and their desks, staff, teams and leaders."""
