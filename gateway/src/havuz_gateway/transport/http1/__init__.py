"""An HTTP/1.1 client for calls to providers, on asyncio protocols and llhttp: https://www.rfc-editor.org/rfc/rfc9112.

A request costs one write and an answer usually one read; connections are kept, one request at a time on each.
"""
