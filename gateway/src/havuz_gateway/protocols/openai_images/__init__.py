"""OpenAI's pictures: https://platform.openai.com/docs/api-reference/images."""
