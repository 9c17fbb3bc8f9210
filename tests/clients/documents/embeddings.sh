curl -X POST "https://api.example.com/api/v1/embeddings" \
  -H "Authorization: Bearer pk_live_your_api_key" \
  -H "Content-Type: application/json" \
  -d '{
    "model": "gemini-2.0-flash",
    "input": "Merhaba dünya, bu bir test metnidir."
  }'
