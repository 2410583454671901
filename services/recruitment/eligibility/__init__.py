"""Details of activities, facts about volunteers, and the comparison of both."""
