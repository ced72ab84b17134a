"""From factors to verdicts: designs, plans, statistics, report."""
