"""Background jobs: what no packet causes and what must happen once per cluster."""
