"""What OpenAI's wire languages say in the same words: errors, and how media, cache marks and custom tools are written."""
