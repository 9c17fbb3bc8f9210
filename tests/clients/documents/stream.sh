curl -X POST "https://api.example.com/api/v1/chat/completions" \
  -H "Authorization: Bearer pk_live_your_api_key" \
  -H "Content-Type: application/json" \
  -d '{
    "model": "gemini-2.0-flash",
    "messages": [{"role": "user", "content": "Kısa bir hikaye yaz"}],
    "stream": true
  }'
