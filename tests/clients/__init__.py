"""Real clients that must find each other through a running tracker, and through nothing else."""
