"""Calling providers: one interface, aiohttp behind it."""
