"""The shape of the project: where its files stand, how long they are, what its papers name."""
