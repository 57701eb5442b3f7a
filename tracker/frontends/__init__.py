"""Sockets: HTTP, UDP, WebSocket, and the operator's pages."""
