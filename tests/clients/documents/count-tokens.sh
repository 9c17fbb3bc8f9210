curl https://api.example.com/v1/messages/count_tokens \
  -H "x-api-key: pk_live_your_api_key" \
  -H "anthropic-version: 2023-06-01" \
  -H "content-type: application/json" \
  -d '{ "model": "claude-sonnet-4-5", "messages": [{ "role": "user", "content": "Hello!" }] }'
