"""One trainer for K runs: settings, optimizers, cohorts, the loop, evaluation."""
