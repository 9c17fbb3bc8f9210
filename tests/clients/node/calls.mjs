// Calls a gateway with the official SDK and prints what came back as one JSON object.
// BASE_URL, KEY and MODEL come from the environment.
import OpenAI, { toFile } from 'openai';

const model = process.env.MODEL;
const messages = [{ role: 'user', content: 'Merhaba, bana yardım eder misin?' }];
const client = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: process.env.KEY, maxRetries: 0 });
const seen = {};

const response = await client.chat.completions.create({ model, messages });
seen.chat = response.choices[0].message.content;

seen.stream = '';
const stream = await client.chat.completions.create({
  model,
  messages,
  stream: true,
  stream_options: { include_usage: true },
});
for await (const chunk of stream) {
  seen.stream += chunk.choices[0]?.delta?.content ?? '';
  seen.usage = chunk.usage?.total_tokens ?? seen.usage;
}

const made = await client.responses.create({ model, input: messages[0].content });
seen.response = made.output_text;
seen.responseStream = '';
const events = await client.responses.create({
  model,
  input: 'Bir daha?',
  previous_response_id: made.id,
  stream: true,
});
for await (const event of events) {
  if (event.type === 'response.output_text.delta') seen.responseStream += event.delta;
  seen.lastEvent = event.type;
}
const parsed = await client.responses.stream({ model, input: 'Merhaba' }).finalResponse();
seen.responseFinal = parsed.output_text;

seen.models = [];
for await (const found of client.models.list()) seen.models.push(found.id);
seen.retrieved = (await client.models.retrieve(model)).id;

const embeddings = await client.embeddings.create({ model, input: 'Merhaba dünya', dimensions: 8 });
seen.embedding = embeddings.data[0].embedding.length;

const drawn = await client.images.generate({ model, prompt: 'a fox', size: '256x256' });
const picture = Buffer.from(drawn.data[0].b64_json, 'base64');
const changed = await client.images.edit({
  model,
  image: await toFile(picture, 'fox.png', { type: 'image/png' }),
  prompt: 'a fox and a rainbow',
});
seen.pictures = [picture.subarray(1, 4).toString(), changed.usage.input_tokens_details.image_tokens];
const spoken = await client.audio.speech.create({ model, voice: 'alloy', input: 'Merhaba', response_format: 'wav' });
const sound = Buffer.from(await spoken.arrayBuffer());
const heard = await client.audio.transcriptions.create({ model, file: await toFile(sound, 'merhaba.wav') });
seen.sound = [sound.subarray(0, 4).toString(), heard.text];

seen.errors = {};
const failures = {
  missing: () => client.chat.completions.create({ model: 'no-such-model', messages }),
  invalid: () => client.chat.completions.create({ model, messages: [] }),
  unauthenticated: () => new OpenAI({ baseURL: process.env.BASE_URL, apiKey: 'wrong', maxRetries: 0 }).models.list(),
};
for (const [name, call] of Object.entries(failures)) {
  try {
    await call();
  } catch (error) {
    seen.errors[name] = [error.constructor.name, error.status, error.type];
  }
}

console.log(JSON.stringify(seen));
