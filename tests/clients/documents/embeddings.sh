curl -X POST "https://api.example.com/api/v1/embeddings" \
  -H "Authorization: Bearer pk_live_your_api_key" \
  -H "Content-Type: application/json" \
  -d '{
    "model": "text-embedding-004",
    "input": "Merhaba dünya, bu bir test metnidir."
  }'
