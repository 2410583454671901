-- A key that evidence lies under is wrapped anew when the master key is rotated; what it sealed stays as it is.
grant update (wrapped_key) on adjustment_evidence to :app_role;
