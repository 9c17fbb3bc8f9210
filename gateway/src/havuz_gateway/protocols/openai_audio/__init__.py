"""OpenAI's sound: https://platform.openai.com/docs/api-reference/audio."""
