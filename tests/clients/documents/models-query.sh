curl "https://api.example.com/v1/models?api_key=pk_live_your_api_key"
