curl -X GET "https://api.example.com/api/v1/models" \
  -H "Authorization: Bearer pk_live_your_api_key"
