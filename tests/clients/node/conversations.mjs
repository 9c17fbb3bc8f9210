// Has conversations with several models through the official SDK, and prints what each said as one JSON array.
// BASE_URL, KEY, MODELS, SCHEMA and CONVERSATIONS (questions, whether there is a tool, a limit) come from the environment.
import OpenAI from 'openai';

const client = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: process.env.KEY, maxRetries: 0 });
const [models, schema, conversations] = ['MODELS', 'SCHEMA', 'CONVERSATIONS'].map((name) =>
  JSON.parse(process.env[name]),
);
const weather = { name: 'weather', description: 'The weather in a city.', parameters: schema, strict: true };

async function chat(model, about, stream) {
  const messages = [{ role: 'user', content: about.question }];
  const tools = about.tool ? [{ type: 'function', function: weather }] : undefined;
  const asked = { model, tools, max_completion_tokens: about.limit };
  const told = [];
  for (;;) {
    const answer = stream
      ? await client.chat.completions
          .stream({ ...asked, messages, stream_options: { include_usage: true } })
          .finalChatCompletion()
      : await client.chat.completions.create({ ...asked, messages });
    const { message, finish_reason } = answer.choices[0];
    const calls = message.tool_calls ?? [];
    const cities = calls.map((call) => JSON.parse(call.function.arguments).city);
    const usage = [answer.usage.prompt_tokens, answer.usage.completion_tokens];
    told.push({ text: message.content ?? '', cities, ending: finish_reason, usage });
    if (calls.length === 0) return told;
    messages.push(message);
    calls.forEach((call, index) => {
      messages.push({ role: 'tool', tool_call_id: call.id, content: `It is sunny in ${cities[index]}.` });
    });
  }
}

async function respond(model, about, stream) {
  const input = [{ role: 'user', content: about.question }];
  const tools = about.tool ? [{ type: 'function', ...weather }] : undefined;
  const asked = { model, tools, max_output_tokens: about.limit, store: false };
  const told = [];
  for (;;) {
    const answer = stream
      ? await client.responses.stream({ ...asked, input }).finalResponse()
      : await client.responses.create({ ...asked, input });
    const calls = answer.output.filter((item) => item.type === 'function_call');
    const cities = calls.map((call) => JSON.parse(call.arguments).city);
    const ending = answer.status === 'incomplete' ? 'length' : calls.length ? 'tool_calls' : 'stop';
    told.push({ text: answer.output_text, cities, ending, usage: [answer.usage.input_tokens, answer.usage.output_tokens] });
    if (calls.length === 0) return told;
    input.push(...answer.output);
    calls.forEach((call, index) => {
      input.push({ type: 'function_call_output', call_id: call.call_id, output: `It is sunny in ${cities[index]}.` });
    });
  }
}

const seen = [];
for (const model of models) {
  for (const about of conversations) {
    for (const speak of [chat, respond]) {
      for (const stream of [false, true]) {
        seen.push({ model, name: about.name, told: await speak(model, about, stream) });
      }
    }
  }
}
console.log(JSON.stringify(seen));
