// The playground. Whatever a model says is text, and never becomes markup.

const play = document.getElementById("play");
if (play) start(play, JSON.parse(play.dataset.texts));

function start(root, texts) {
  const by = (id) => document.getElementById(id);
  const language = document.documentElement.lang;
  const whole = new Intl.NumberFormat(language);
  const exact = new Intl.NumberFormat(language, { maximumFractionDigits: 9 });
  const seconds = new Intl.NumberFormat(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const talk = by("talk"), said = by("said"), model = by("model");
  const messages = []; // of the conversation, as they are sent again
  const pictures = []; // data: URLs that wait to be sent
  let going = null; // the AbortController of the answer that is coming

  const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const tell = (text) => { by("told").textContent = text; };
  const option = () => model.selectedOptions[0];
  const draws = () => option().dataset.chats !== "1" || (option().dataset.draws === "1" && kind() === "draw");
  const kind = () => document.querySelector('input[name="kind"]:checked').value;

  function settle() {
    const both = option().dataset.chats === "1" && option().dataset.draws === "1";
    by("kinds").hidden = !both;
    for (const part of document.querySelectorAll(".for-chat")) part.hidden = draws();
    for (const part of document.querySelectorAll(".for-draw")) part.hidden = !draws();
    by("thinking").hidden = !option().dataset.modes.split(" ").includes("think");
    by("picture-choice").hidden = by("picture").hidden = draws();
  }

  // What is asked

  function chatBody(conversation) {
    const system = by("system").value.trim();
    const body = { model: model.value, messages: system ? [{ role: "system", content: system }, ...conversation] : conversation };
    if (by("temperature").value !== "") body.temperature = by("temperature").valueAsNumber;
    if (by("max-tokens").value !== "") body.max_tokens = by("max-tokens").valueAsNumber;
    const effort = by("thinking").hidden ? "" : by("effort").value;
    if (effort === "think") body.think = true;
    else if (effort) body.reasoning_effort = effort;
    return { ...body, stream: true, stream_options: { include_usage: true } };
  }

  function userMessage(text) {
    if (!pictures.length) return { role: "user", content: text };
    const parts = pictures.map((url) => ({ type: "image_url", image_url: { url } }));
    return { role: "user", content: text ? [{ type: "text", text }, ...parts] : parts };
  }

  const drawBody = (prompt) => ({ model: model.value, prompt, size: by("size").value });

  function post(path, body, signal) {
    return fetch(path, {
      method: "POST", body: JSON.stringify(body), signal,
      headers: { "content-type": "application/json", "x-havuz-proof": root.dataset.proof },
    });
  }

  // What is shown

  function made(tag, className, text) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  }

  function addTurn(who, text, sent = []) {
    const near = talk.scrollHeight - talk.scrollTop - talk.clientHeight < 80;
    by("talk-empty").hidden = true;
    const turn = made("article", "turn");
    turn.append(made("p", "turn-who", who));
    if (sent.length) {
      const row = made("div", "turn-pictures");
      for (const url of sent) row.append(picture(url, texts.your_picture, "sent"));
      turn.append(row);
    }
    const place = made("div", "turn-text", text);
    turn.append(place);
    talk.append(turn);
    if (near) talk.scrollTop = talk.scrollHeight;
    return { turn, place };
  }

  function picture(url, alt, className) {
    const image = made("img", className);
    image.src = url;
    image.alt = alt;
    return image;
  }

  /** One answer as it comes: its thinking apart, its text, and what it took. */
  function answerTurn(who) {
    const { turn, place } = addTurn(who, "");
    turn.classList.add("is-coming");
    turn.setAttribute("aria-busy", "true");
    const figures = made("p", "turn-figures");
    turn.append(figures);
    let thought = null, follows = true;
    talk.addEventListener("scroll", () => { follows = talk.scrollHeight - talk.scrollTop - talk.clientHeight < 80; });
    const follow = () => { if (follows) talk.scrollTop = talk.scrollHeight; };
    return {
      text: "",
      say(piece) { this.text += piece; place.append(piece); follow(); },
      think(piece) {
        if (!thought) {
          const details = made("details");
          details.open = true;
          thought = made("div", "turn-text");
          details.append(made("summary", "", texts.thinking), thought);
          turn.insertBefore(details, place);
        }
        thought.append(piece);
        follow();
      },
      show(url) {
        const row = made("div", "turn-pictures");
        if (url.startsWith("data:")) row.append(picture(url, texts.drawn, ""));
        else {
          const link = made("a", "", texts.open_picture);
          link.href = url;
          link.rel = "noreferrer";
          link.target = "_blank";
          row.append(link);
        }
        turn.insertBefore(row, figures);
        row.querySelector("img")?.addEventListener("load", follow);
        follow();
      },
      fail(...sentences) {
        const notice = made("div", "notice bad");
        notice.append(...sentences.map((sentence) => made("p", "", sentence)));
        turn.insertBefore(notice, figures);
        follow();
      },
      figure(text) { figures.append(made("span", "", text)); follow(); },
      end() {
        turn.classList.remove("is-coming");
        turn.removeAttribute("aria-busy");
        const details = turn.querySelector("details");
        if (details && this.text) details.querySelector("summary").textContent = texts.thought;
      },
    };
  }

  // How an answer comes

  /** The events of a stream: their name and their data. */
  async function* events(answer) {
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let buffer = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      buffer += value;
      const whole = buffer.split("\n\n");
      buffer = whole.pop();
      for (const event of whole) {
        const lines = event.split("\n");
        const name = lines.find((line) => line.startsWith("event: "))?.slice(7);
        const data = lines.find((line) => line.startsWith("data: "))?.slice(6);
        if (data && data !== "[DONE]") yield { name, data: JSON.parse(data) };
      }
    }
  }

  /** What to do about an answer that is an error, and what it says itself. */
  async function refusal(answer) {
    if (answer.status === 401) return [texts.signed_out];
    let error;
    try { error = (await answer.json()).error; } catch { /* not ours */ }
    const message = typeof error === "string" ? error : error?.message ?? filled(texts.status, { status: answer.status });
    const advice = texts[`advice_${answer.status}`];
    return advice ? [advice, message] : [message];
  }

  async function chat(turn, body, began, signal) {
    const answer = await post(root.dataset.ask, body, signal);
    if (!answer.ok) return turn.fail(...await refusal(answer));
    let first = null, used = null, ended = false;
    for await (const { name, data } of events(answer)) {
      if (name === "havuz") { used = data; continue; }
      if (data.error) { turn.fail(texts.broke, data.error.message); return; }
      const delta = data.choices?.[0]?.delta ?? {};
      const thinking = delta.reasoning_content ?? delta.reasoning;
      if ((thinking || delta.content || delta.refusal) && first === null) first = performance.now() - began;
      if (thinking) turn.think(thinking);
      if (delta.content) turn.say(delta.content);
      if (delta.refusal) turn.say(delta.refusal);
      ended ||= Boolean(data.choices?.[0]?.finish_reason);
      if (data.choices?.[0]?.finish_reason === "length") turn.figure(texts.cut);
    }
    if (!ended) turn.fail(texts.broke);
    if (used?.output != null) {
      turn.figure(filled(texts.tokens, { input: whole.format(used.input), output: whole.format(used.output) }) + (used.estimated ? ` (${texts.estimated})` : ""));
    }
    if (used?.shown) turn.figure(filled(texts.cost, { cost: used.shown }));
    if (first !== null) turn.figure(filled(texts.first, { seconds: seconds.format(first / 1000) }));
    if (ended && turn.text) messages.push({ role: "assistant", content: turn.text });
  }

  async function draw(turn, body, began, signal) {
    const answer = await post(root.dataset.draw, body, signal);
    if (!answer.ok) return turn.fail(...await refusal(answer));
    const drawn = await answer.json();
    for (const one of drawn.data) turn.show(one.b64_json ? `data:image/${drawn.output_format ?? "png"};base64,${one.b64_json}` : one.url);
    const cost = answer.headers.get("x-havuz-cost");
    if (cost) turn.figure(filled(texts.cost_plain, { cost: exact.format(Number(cost)), unit: texts.unit }));
  }

  async function send() {
    const text = said.value.trim();
    if (going || (!text && !pictures.length)) return said.focus();
    const drawing = draws();
    going = new AbortController();
    const message = drawing ? null : userMessage(text);
    if (message) messages.push(message);
    addTurn(texts.you, text, pictures);
    pictures.length = 0;
    showAttached();
    said.value = "";
    by("send").disabled = true;
    by("stop").disabled = false;
    tell(texts.waiting);
    const before = messages.length;
    const turn = answerTurn(model.value), began = performance.now();
    try {
      if (drawing) await draw(turn, drawBody(text), began, going.signal);
      else await chat(turn, chatBody(messages), began, going.signal);
      turn.figure(filled(texts.total, { seconds: seconds.format((performance.now() - began) / 1000) }));
      tell(texts.done);
    } catch (error) {
      if (error.name === "AbortError") { turn.figure(texts.stopped); tell(texts.stopped); }
      else { turn.fail(texts.no_answer); tell(texts.no_answer); }
      if (!drawing && turn.text) messages.push({ role: "assistant", content: turn.text });
    }
    if (message && messages.length === before) messages.pop(); // nothing was answered: it may be asked again
    turn.end();
    going = null;
    by("send").disabled = false;
    by("stop").disabled = true;
  }

  // Pictures that are sent along

  function attach(files) {
    for (const file of files) {
      if (!/^image\/(png|jpeg|webp|gif)$/.test(file.type) || file.size > 8 * 1024 * 1024) { tell(texts.bad_picture); continue; }
      const reader = new FileReader();
      reader.addEventListener("load", () => { pictures.push(reader.result); showAttached(); });
      reader.readAsDataURL(file);
    }
  }

  function showAttached() {
    by("attached").replaceChildren(...pictures.map((url, place) => {
      const item = made("li");
      const remove = made("button", "button small quiet", texts.remove);
      remove.type = "button";
      remove.addEventListener("click", () => { pictures.splice(place, 1); showAttached(); said.focus(); });
      item.append(picture(url, texts.your_picture, ""), remove);
      return item;
    }));
  }

  // The same as code

  let programs = {};
  function showProgram(name) {
    for (const tab of document.querySelectorAll("[data-program]")) tab.setAttribute("aria-pressed", String(tab.dataset.program === name));
    by("program").textContent = programs[name] ?? "";
  }

  async function showCode() {
    const text = said.value.trim() || (messages.length ? "" : texts.hello);
    const conversation = text || pictures.length ? [...messages, userMessage(text)] : messages;
    const answer = await post(root.dataset.code, draws() ? drawBody(text || texts.hello) : chatBody(conversation));
    programs = answer.ok ? await answer.json() : { curl: (await refusal(answer)).join("\n") };
    showProgram("curl");
    by("codes").showModal();
  }

  by("composer").addEventListener("submit", (event) => { event.preventDefault(); send(); });
  by("settings").addEventListener("submit", (event) => event.preventDefault());
  by("settings").addEventListener("change", settle);
  by("stop").addEventListener("click", () => going?.abort());
  by("clear").addEventListener("click", () => {
    going?.abort();
    messages.length = 0;
    for (const turn of talk.querySelectorAll(".turn")) turn.remove();
    by("talk-empty").hidden = false;
    said.focus();
  });
  by("picture").addEventListener("change", (event) => { attach(event.target.files); event.target.value = ""; });
  said.addEventListener("paste", (event) => { if (event.clipboardData.files.length && !draws()) { event.preventDefault(); attach(event.clipboardData.files); } });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target === said) { event.preventDefault(); send(); }
    if (event.key === "Escape" && going && !by("codes").open) going.abort();
  });
  by("show-code").addEventListener("click", showCode);
  by("codes-close").addEventListener("click", () => by("codes").close());
  by("codes-tabs").addEventListener("click", (event) => { if (event.target.dataset.program) showProgram(event.target.dataset.program); });
  settle();
}
