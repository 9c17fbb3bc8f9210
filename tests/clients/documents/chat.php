<?php
$ch = curl_init();

curl_setopt_array($ch, [
    CURLOPT_URL => 'https://api.example.com/api/v1/chat/completions',
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_POST => true,
    CURLOPT_HTTPHEADER => [
        'Authorization: Bearer pk_live_your_api_key',
        'Content-Type: application/json'
    ],
    CURLOPT_POSTFIELDS => json_encode([
        'model' => 'gemini-2.0-flash',
        'messages' => [
            ['role' => 'user', 'content' => 'Merhaba!']
        ]
    ])
]);

$response = curl_exec($ch);
$data = json_decode($response, true);

echo $data['choices'][0]['message']['content'];
