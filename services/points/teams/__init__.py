"""Teams: services counted per team by a consumer of its own, badges for them, and the standings."""
