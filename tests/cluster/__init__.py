"""Several trackers over one Redis, real processes all of them, under load and in trouble."""
