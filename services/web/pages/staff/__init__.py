"""Pages of stations, leaders and operators."""
