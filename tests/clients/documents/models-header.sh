curl "https://api.example.com/api/v1/models" -H "X-API-Key: pk_live_your_api_key"
