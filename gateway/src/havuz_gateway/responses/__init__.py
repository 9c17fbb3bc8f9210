"""Responses that are kept, so that a client may read them again and go on from them."""
