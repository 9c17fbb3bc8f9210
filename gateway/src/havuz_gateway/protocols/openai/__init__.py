"""What OpenAI says alike in all its wire languages: errors, media, cache marks."""
