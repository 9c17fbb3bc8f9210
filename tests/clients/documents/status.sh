curl -X GET "https://api.example.com/api/status?task_id=n36abc123def456gptimg" \
-H "Authorization: Bearer YOUR_API_KEY"
