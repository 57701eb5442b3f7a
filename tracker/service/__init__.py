"""One request's flow: admit, plan, store, reply."""
