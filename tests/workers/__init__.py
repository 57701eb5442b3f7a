"""The background jobs, with a real Redis where they need one."""
