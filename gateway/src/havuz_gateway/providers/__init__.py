"""Providers: base URL, path, authentication and error hints. A provider never touches a message."""
