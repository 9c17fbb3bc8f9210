curl -X POST https://api.example.com/api/generate \
-H "Authorization: Bearer YOUR_API_KEY" \
-H "Content-Type: application/json" \
-d '{
"prompt": "A serene mountain landscape...",
"size": "1536*1024",
"quality": "high"
}'
