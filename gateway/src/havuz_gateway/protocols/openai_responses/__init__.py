"""OpenAI's Responses on the wire, and its open dialect, Open Responses."""
