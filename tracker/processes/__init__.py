"""Several processes that serve the same ports: a supervisor, which serves nothing, and children."""
