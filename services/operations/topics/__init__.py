"""Topics: rates, sizes and ends of the partitions, as the index knows them."""
