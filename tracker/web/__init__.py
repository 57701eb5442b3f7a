"""The pages for people and programs on the public port, and the operator's own HTTP server.

aiohttp renders them. On the public port a connection reaches it only through
`tracker.frontends.door`, which writes the request itself; see `tracker.web.visitor`.
"""
