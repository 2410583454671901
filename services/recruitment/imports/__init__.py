"""Files of the registry: proposed by one account, approved by another, then imported batch by batch."""
