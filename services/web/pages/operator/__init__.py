"""Pages of operators and engineers."""
