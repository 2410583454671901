"""Reviews: what shows only across many records: peers, months, people who came once."""
