"""The double-entry ledger of points, fed by attendance and spent by redemptions."""
