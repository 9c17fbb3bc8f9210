"""What OpenAI's wire languages say in the same words: errors, media, cache marks and custom tools."""
