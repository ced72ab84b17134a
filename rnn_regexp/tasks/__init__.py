"""A task is a loss per run and the metrics its field reports."""
