"""Awards as Open Badges 3.0 credentials that anybody may check."""
