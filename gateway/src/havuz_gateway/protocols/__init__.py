"""Wire languages: reading, writing and relaying them. No I/O, no clock, no provider's host."""
