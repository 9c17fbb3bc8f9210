<?php
$ch = curl_init();

curl_setopt_array($ch, [
    CURLOPT_URL => getenv('BASE') . '/api/v1/chat/completions',
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_POST => true,
    CURLOPT_HTTPHEADER => [
        'Authorization: Bearer ' . getenv('KEY'),
        'Content-Type: application/json'
    ],
    CURLOPT_POSTFIELDS => json_encode([
        'model' => getenv('MODEL'),
        'messages' => [
            ['role' => 'user', 'content' => 'Merhaba!']
        ]
    ])
]);

$response = curl_exec($ch);
$data = json_decode($response, true);

echo $data['choices'][0]['message']['content'];
