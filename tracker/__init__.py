"""A BitTorrent tracker of stateless frontends over one shared Redis: HTTP, UDP and WebSocket."""

__version__ = "0.1.0"
