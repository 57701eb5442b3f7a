"""The image and what is made of it, with a real Docker engine."""
