curl https://api.example.com/v1/chat/completions \
-H "Content-Type: application/json" \
-H "Authorization: Bearer sk-your-api-key" \
-d '{
"model": "deepseek-chat",
"messages": [{"role": "user", "content": "Merhaba!"}],
"temperature": 0.7
}'
