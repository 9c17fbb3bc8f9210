"""OpenAI's Chat Completions and Embeddings on the wire."""
