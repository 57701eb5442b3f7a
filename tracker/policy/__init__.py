"""Pure decisions: the clock and randomness are arguments."""
