curl https://api.example.com/v1/chat/completions \
-H "Content-Type: application/json" \
-H "Authorization: Bearer pk_live_your_api_key" \
-d '{
"model": "gemini-2.0-flash",
"messages": [{"role": "user", "content": "Merhaba!"}],
"temperature": 0.7
}'
