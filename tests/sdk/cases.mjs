// What an application sees when it talks to a model through kt, by the official Node SDK.
//
// The gateway redacts e-mail addresses and words such as SECRET123, and blocks at FORBIDDEN, in prompts and in answers.
// Its provider does what the last word of the prompt says, see `provider.rs`. `cases.py` has the same cases for Python.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import OpenAI from "openai";
import { zodFunction, zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { VERSION } from "openai/version";
import { z } from "zod";

const client = new OpenAI({ baseURL: process.env.KT_BASE_URL, apiKey: "client-key", maxRetries: 2, timeout: 20_000 });

// What differs between the versions. Each is checked, so that one that has gone is noticed.
const major = Number(VERSION.split(".")[0]);
const HELPERS_ARE_BETA = major < 5; // `parse` and `stream` of chats have moved since
const ERROR_HEADERS_ARE_AN_OBJECT = major < 5; // version 4 has a `fetch` of its own, later ones that of Node
const HELPED_RESPONSE_HAS_OUTPUT_TEXT = major >= 6; // older helpers put the items together, and leave out their sum

const chat = client.chat.completions;
const helpers = HELPERS_ARE_BETA ? client.beta.chat.completions : chat;

// The answer to `cut:N`, which comes in two pieces, cut after N characters of what the provider says.
const REDACTED = "é😀 to [EMAIL] or [SECRET] now";
const CUTS = [...[..."é😀 to ann@example.com or SECRET123 now", ""].keys()];

const Weather = z.object({ city: z.string(), mail: z.string() });
const REDACTED_WEATHER = { city: "Oslo", mail: "[EMAIL]" };
const WEATHER_TOOL = zodFunction({ name: "get_weather", parameters: Weather });
const WEATHER_FORMAT = zodResponseFormat(Weather, "weather");
const WEATHER_TEXT = { format: zodTextFormat(Weather, "weather") };

const asking = (prompt) => ({ model: "m", messages: [{ role: "user", content: prompt }] });
const complete = (prompt, more) => client.completions.create({ model: "m", prompt, ...more });
const respond = (prompt, more) => client.responses.create({ model: "m", input: prompt, ...more });

// The whole chat and the whole response that the stream helpers put together.
const helped = (prompt, more) => helpers.stream({ ...asking(prompt), ...more }).finalChatCompletion();
const responseHelped = (prompt, more) => client.responses.stream({ model: "m", input: prompt, ...more }).finalResponse();

// The parts of a stream.
async function all(stream) {
  const parts = [];
  for await (const part of await stream) parts.push(part);
  return parts;
}

// The text of a choice of a streamed chat, of a completion, and of a response.
const said = (chunks, index = 0) =>
  chunks.flatMap((chunk) => chunk.choices).map((choice) => (choice.index === index && choice.delta.content) || "").join("");
const completed = (chunks) => chunks.map((chunk) => chunk.choices[0].text).join("");
const responded = (events) =>
  events.map((event) => (event.type === "response.output_text.delta" ? event.delta : "")).join("");

// The request is refused before the first byte.
async function assertBlocked(call) {
  const error = await thrown(call);
  assert.ok(error instanceof OpenAI.ConflictError, error);
  assert.deepEqual([error.status, error.code, error.type], [409, "input_blocked", "policy_violation"]);
  assert.deepEqual([error.error.rule, error.error.reason_code], ["stop", "house.forbidden"]);
  assert.match(error.message, /found FORBIDDEN/);
}

// A stream raises; gives what came before that.
async function assertRaises(open, code, type, message, rule) {
  const parts = [];
  const error = await thrown(async () => {
    for await (const part of await open()) parts.push(part);
  });
  assert.ok(error instanceof OpenAI.APIError, error);
  assert.deepEqual([error.code, error.type], [code, type]);
  assert.match(error.message, message);
  assert.equal(error.error.rule, rule);
  assert.match(error.error.request_id, /^req_/);
  return parts;
}
const assertStopped = (open) => assertRaises(open, "output_blocked", "policy_violation", /found FORBIDDEN/, "stop");
const assertTruncated = (open) => assertRaises(open, "stream_truncated", "upstream_error", /the provider's answer/);

// A response that the helper has put together says that text.
function assertHelped(response, text) {
  assert.equal(response.output[0].content[0].text, text);
  assert.equal(response.output_text, HELPED_RESPONSE_HAS_OUTPUT_TEXT ? text : undefined);
}

async function thrown(call) {
  try {
    await call();
  } catch (error) {
    return error;
  }
  assert.fail("nothing was thrown");
}

describe("chats", () => {
  it("a chat is answered", async () => {
    const answer = await chat.create(asking("hi"));
    assert.equal(answer.choices[0].message.content, "hello there");
    assert.deepEqual([answer.choices[0].finish_reason, answer.usage.total_tokens], ["stop", 8]);
  });

  it("a chat is streamed", async () => {
    const chunks = await all(chat.create({ ...asking("hi"), stream: true }));
    assert.deepEqual([said(chunks), chunks.at(-1).choices[0].finish_reason], ["hello there", "stop"]);
  });

  it("the stream helper puts a chat together", async () => {
    const answer = await helped("hi");
    assert.deepEqual([answer.choices[0].message.content, answer.choices[0].finish_reason], ["hello there", "stop"]);
  });

  it("several choices are kept apart", async () => {
    const contents = (answer) => answer.choices.map((choice) => choice.message.content);
    const three = [REDACTED, REDACTED, REDACTED];
    assert.deepEqual(contents(await chat.create({ ...asking("cut:9"), n: 3 })), three);
    const chunks = await all(chat.create({ ...asking("cut:9"), n: 3, stream: true }));
    assert.deepEqual([0, 1, 2].map((index) => said(chunks, index)), three);
    assert.deepEqual(contents(await helped("cut:9", { n: 3 })), three);
  });

  it("a stream tells usage to those who ask", async () => {
    const tellsNone = (chunk) => chunk.choices.length === 1 && !chunk.usage;
    const without = await all(chat.create({ ...asking("hi"), stream: true }));
    assert.ok(without.every(tellsNone));
    const chunks = await all(chat.create({ ...asking("hi"), stream: true, stream_options: { include_usage: true } }));
    const last = chunks.pop();
    assert.ok(chunks.every(tellsNone));
    assert.deepEqual([last.choices, last.usage.prompt_tokens, last.usage.total_tokens], [[], 3, 8]);
    assert.equal((await helped("hi", { stream_options: { include_usage: true } })).usage.total_tokens, 8);
  });

  it("reasoning passes and is redacted", async () => {
    const whole = (await chat.create(asking("think"))).choices[0].message;
    assert.deepEqual([whole.reasoning_content, whole.content], ["ask [EMAIL]", "hello"]);
    const chunks = await all(chat.create({ ...asking("think"), stream: true }));
    const thoughts = chunks.map((chunk) => chunk.choices[0].delta.reasoning_content ?? "");
    assert.deepEqual([thoughts.join(""), said(chunks)], ["ask [EMAIL]", "hello"]);
  });

  it("the models are the targets", async () => {
    assert.deepEqual((await all(client.models.list())).map((model) => model.id), ["a"]);
  });

  it("headers name the request and the target", async () => {
    const asked = chat.create(asking("hi"), { headers: { "x-request-id": "sdk-1" } });
    const { data, response } = await asked.withResponse();
    assert.deepEqual([response.headers.get("x-request-id"), response.headers.get("x-kt-target")], ["sdk-1", "a"]);
    assert.equal(data._request_id, "sdk-1");
  });
});

describe("tools", () => {
  it("a call comes whole", async () => {
    const answer = await chat.create({ ...asking("tools"), tools: [WEATHER_TOOL] });
    const call = answer.choices[0].message.tool_calls[0];
    assert.deepEqual([call.id, call.function.name], ["call_1", "get_weather"]);
    assert.equal(call.function.arguments, '{"city": "Oslo", "mail": "[EMAIL]"}');
  });

  it("a call comes in pieces", async () => {
    const chunks = await all(chat.create({ ...asking("tools"), tools: [WEATHER_TOOL], stream: true }));
    const calls = chunks.flatMap((chunk) => chunk.choices[0].delta.tool_calls ?? []);
    assert.deepEqual([calls[0].id, calls[0].function.name], ["call_1", "get_weather"]);
    const written = calls.map((call) => call.function.arguments ?? "").join("");
    assert.deepEqual(Weather.parse(JSON.parse(written)), REDACTED_WEATHER);
    assert.equal(chunks.at(-1).choices[0].finish_reason, "tool_calls");
  });

  it("the helpers parse a call", async () => {
    const parsed = await helpers.parse({ ...asking("tools"), tools: [WEATHER_TOOL] });
    for (const answer of [parsed, await helped("tools", { tools: [WEATHER_TOOL] })]) {
      const called = answer.choices[0].message.tool_calls[0].function;
      assert.deepEqual([called.name, called.parsed_arguments], ["get_weather", REDACTED_WEATHER]);
    }
  });

  it("a call of a response comes in pieces", async () => {
    const tools = [{ type: "function", name: "get_weather", parameters: { type: "object" }, strict: false }];
    const call = (await responseHelped("tools", { tools })).output[0];
    assert.deepEqual([call.name, call.call_id], ["get_weather", "call_1"]);
    assert.deepEqual(Weather.parse(JSON.parse(call.arguments)), REDACTED_WEATHER);
  });
});

describe("structured outputs", () => {
  it("a chat is parsed", async () => {
    const parsed = await helpers.parse({ ...asking("json"), response_format: WEATHER_FORMAT });
    for (const answer of [parsed, await helped("json", { response_format: WEATHER_FORMAT })]) {
      assert.deepEqual(answer.choices[0].message.parsed, REDACTED_WEATHER);
    }
  });

  it("a response is parsed", async () => {
    const parsed = await client.responses.parse({ model: "m", input: "json", text: WEATHER_TEXT });
    assert.deepEqual(parsed.output_parsed, REDACTED_WEATHER);
    assert.deepEqual((await responseHelped("json", { text: WEATHER_TEXT })).output_parsed, REDACTED_WEATHER);
  });

  it("a block in a parsed stream is the sdks own error", async () => {
    // With something to parse, the helper throws at `finish_reason: "content_filter"`, which comes before kt's error.
    for (const more of [{ response_format: WEATHER_FORMAT }, { tools: [WEATHER_TOOL] }]) {
      const error = await thrown(() => helped("stop:json", more));
      assert.equal(error.constructor.name, "ContentFilterFinishReasonError");
    }
  });

  it("a filter of the provider is the sdks own error", async () => {
    assert.equal((await chat.create(asking("filter"))).choices[0].finish_reason, "content_filter");
    const chunks = await all(chat.create({ ...asking("filter"), stream: true }));
    assert.deepEqual([said(chunks), chunks.at(-1).choices[0].finish_reason], ["hello there", "content_filter"]);
    const error = await thrown(() => helpers.parse({ ...asking("filter"), response_format: WEATHER_FORMAT }));
    assert.equal(error.constructor.name, "ContentFilterFinishReasonError");
  });
});

describe("redaction", () => {
  it("a prompt is redacted", async () => {
    const asked = "I am ann@example.com, echo";
    assert.equal((await chat.create(asking(asked))).choices[0].message.content, "I am [EMAIL], echo");
    assert.equal((await complete(asked)).choices[0].text, "I am [EMAIL], echo");
    assert.equal((await respond(asked)).output_text, "I am [EMAIL], echo");
  });

  it("a chat is redacted wherever it is cut", async () => {
    for (const at of CUTS) {
      assert.equal(said(await all(chat.create({ ...asking(`cut:${at}`), stream: true }))), REDACTED, `at ${at}`);
    }
    assert.equal((await chat.create(asking("cut:0"))).choices[0].message.content, REDACTED);
    assert.equal((await helped("letters")).choices[0].message.content, REDACTED);
  });

  it("a completion is redacted wherever it is cut", async () => {
    for (const at of CUTS) {
      assert.equal(completed(await all(complete(`cut:${at}`, { stream: true }))), REDACTED, `at ${at}`);
    }
    assert.equal((await complete("cut:0")).choices[0].text, REDACTED);
  });

  it("a response is redacted wherever it is cut", async () => {
    for (const at of CUTS) {
      const events = await all(respond(`cut:${at}`, { stream: true }));
      const whole = events.at(-1).response.output[0].content[0].text;
      assert.deepEqual([responded(events), whole], [REDACTED, REDACTED], `at ${at}`);
    }
    assert.equal((await respond("cut:0")).output_text, REDACTED);
    assertHelped(await responseHelped("letters"), REDACTED);
  });

  it("a character that is cut in two is whole", async () => {
    assert.equal(said(await all(chat.create({ ...asking("halves"), stream: true }))), "so 😀 far");
    assert.equal((await helped("halves")).choices[0].message.content, "so 😀 far");
  });
});

describe("blocks", () => {
  it("a blocked chat is a conflict", async () => {
    await assertBlocked(() => chat.create(asking("FORBIDDEN")));
    await assertBlocked(() => chat.create({ ...asking("FORBIDDEN"), stream: true }));
    await assertBlocked(() => helpers.parse({ ...asking("FORBIDDEN"), response_format: WEATHER_FORMAT }));
    await assertBlocked(() => helped("FORBIDDEN"));
  });

  it("a blocked completion is a conflict", async () => {
    await assertBlocked(() => complete("FORBIDDEN"));
    await assertBlocked(() => complete("FORBIDDEN", { stream: true }));
  });

  it("a blocked embedding is a conflict", async () => {
    await assertBlocked(() => client.embeddings.create({ model: "m", input: ["a", "FORBIDDEN"] }));
  });

  it("a blocked response is a conflict", async () => {
    await assertBlocked(() => respond("FORBIDDEN"));
    await assertBlocked(() => respond("FORBIDDEN", { stream: true }));
    await assertBlocked(() => responseHelped("FORBIDDEN"));
    await assertBlocked(() => client.responses.parse({ model: "m", input: "FORBIDDEN", text: WEATHER_TEXT }));
  });

  it("a client that does not wait sees the same", async () => {
    const ask = (prompt) => all(chat.create({ ...asking(prompt), stream: true }));
    const [letters, blocked, stopped] = await Promise.allSettled(["letters", "FORBIDDEN", "stop"].map(ask));
    assert.equal(said(letters.value), REDACTED);
    assert.equal(blocked.reason.code, "input_blocked");
    assert.equal(stopped.reason.code, "output_blocked");
  });

  it("a whole answer that is blocked is a conflict", async () => {
    for (const call of [() => chat.create(asking("stop")), () => complete("stop"), () => respond("stop")]) {
      const error = await thrown(call);
      assert.ok(error instanceof OpenAI.ConflictError, error);
      assert.deepEqual([error.code, error.type], ["output_blocked", "policy_violation"]);
    }
  });

  it("a block in a chat that streams raises", async () => {
    const chunks = await assertStopped(() => chat.create({ ...asking("stop"), stream: true }));
    assert.deepEqual([said(chunks), chunks.at(-1).choices[0].finish_reason], ["fine so far. ", "content_filter"]);
  });

  it("a block in one choice leaves the others", async () => {
    const chunks = await assertStopped(() => chat.create({ ...asking("stop:second"), n: 2, stream: true }));
    assert.deepEqual([said(chunks, 0), said(chunks, 1)], ["hello there", "fine so far. "]);
    const ends = chunks.flatMap((chunk) => chunk.choices).map((choice) => [choice.index, choice.finish_reason]);
    assert.deepEqual(Object.fromEntries(ends), { 0: "stop", 1: "content_filter" });
  });

  it("a block in the stream helper raises", async () => {
    const chunks = await assertStopped(() => helpers.stream(asking("stop")));
    assert.equal(said(chunks), "fine so far. ");
    await assertStopped(async () => [await helped("stop")]);
  });

  it("a block in a completion that streams raises", async () => {
    const chunks = await assertStopped(() => complete("stop", { stream: true }));
    assert.deepEqual([completed(chunks), chunks.at(-1).choices[0].finish_reason], ["fine so far. ", "content_filter"]);
  });

  it("a block in a response that streams raises", async () => {
    const last = (await assertStopped(() => respond("stop", { stream: true }))).at(-1);
    assert.deepEqual([last.type, last.response.incomplete_details.reason], ["response.incomplete", "content_filter"]);
    assert.equal(last.response.output[0].content[0].text, "fine so far. ");
  });

  it("a block in the helper of responses raises", async () => {
    const events = await assertStopped(() => client.responses.stream({ model: "m", input: "stop" }));
    assert.deepEqual([responded(events), events.at(-1).type], ["fine so far. ", "response.incomplete"]);
    await assertStopped(async () => [await responseHelped("stop:json", { text: WEATHER_TEXT })]);
  });
});

describe("other endpoints", () => {
  it("a completion is answered", async () => {
    const answer = await complete("hi", { n: 2 });
    assert.deepEqual(answer.choices.map((choice) => choice.text), ["hello there", "hello there"]);
    assert.deepEqual([answer.choices[0].finish_reason, answer.usage.total_tokens], ["stop", 8]);
    const chunks = await all(complete("hi", { stream: true, stream_options: { include_usage: true } }));
    const last = chunks.pop();
    assert.equal(completed(chunks), "hello there");
    assert.deepEqual([chunks.at(-1).choices[0].finish_reason, last.usage.total_tokens], ["stop", 8]);
  });

  it("embeddings come in both spellings", async () => {
    // Without a format the SDK asks for base64, and decodes it.
    const plain = await client.embeddings.create({ model: "m", input: "hi" });
    assert.deepEqual([plain.data[0].embedding, plain.usage.prompt_tokens], [[0.25, -2], 3]);
    const floats = await client.embeddings.create({ model: "m", input: ["a", "b"], encoding_format: "float" });
    assert.deepEqual(floats.data.map((entry) => entry.embedding), [[0.25, -1e-7], [0.25, -1e-7]]);
    const base64 = await client.embeddings.create({ model: "m", input: "hi", encoding_format: "base64" });
    assert.equal(base64.data[0].embedding, "AACAPgAAAMA=");
  });

  it("a response is answered", async () => {
    const answer = await respond("hi");
    assert.deepEqual([answer.output_text, answer.status], ["hello there", "completed"]);
    assert.deepEqual([answer.usage.input_tokens, answer.usage.total_tokens], [3, 8]);
  });

  it("a response is streamed", async () => {
    const events = await all(respond("hi", { stream: true }));
    assert.deepEqual(events.map((event) => event.sequence_number), [...events.keys()]);
    assert.deepEqual([events[0].type, events.at(-1).type], ["response.created", "response.completed"]);
    const { output, usage } = events.at(-1).response;
    assert.deepEqual([output[0].content[0].text, usage.total_tokens], ["hello there", 8]);
    assertHelped(await responseHelped("hi"), "hello there");
  });

  it("reasoning of a response passes and is redacted", async () => {
    assert.equal((await responseHelped("think")).output[0].summary[0].text, "ask [EMAIL]");
  });
});

describe("failures", () => {
  it("a chat that breaks off raises", async () => {
    const chunks = await assertTruncated(() => chat.create({ ...asking("truncate"), stream: true }));
    assert.ok("half an answer".startsWith(said(chunks)));
    await assertTruncated(async () => [await helped("truncate")]);
  });

  it("a completion that breaks off raises", async () => {
    await assertTruncated(() => complete("truncate", { stream: true }));
  });

  it("a response that breaks off raises", async () => {
    await assertTruncated(() => respond("truncate", { stream: true }));
    await assertTruncated(async () => [await responseHelped("truncate")]);
  });

  it("a rate limit is waited for", async () => {
    const begun = performance.now();
    assert.equal((await chat.create(asking("busy:once"))).choices[0].message.content, "hello there");
    assert.ok(performance.now() - begun >= 990); // the provider's `retry-after`; by itself it waits for less
  });

  it("a rate limit keeps its meaning", async () => {
    const error = await thrown(() => chat.create(asking("busy"), { maxRetries: 0 }));
    assert.ok(error instanceof OpenAI.RateLimitError, error);
    assert.equal(error.code, "rate_limit_exceeded");
    const after = ERROR_HEADERS_ARE_AN_OBJECT ? error.headers["retry-after"] : error.headers.get("retry-after");
    assert.equal(after, "1");
  });

  it("a refused key of the operator is not the clients", async () => {
    const error = await thrown(() => chat.create(asking("refuse")));
    assert.ok(error instanceof OpenAI.InternalServerError, error);
    assert.deepEqual([error.status, error.code], [502, "upstream_auth"]);
  });

  it("a malformed request is told", async () => {
    const error = await thrown(() => chat.create({ ...asking("hi"), api_base: "http://elsewhere" }));
    assert.ok(error instanceof OpenAI.BadRequestError, error);
    assert.deepEqual([error.code, error.param], ["invalid_request", "api_base"]);
  });

  it("token ids are refused", async () => {
    const error = await thrown(() => complete([1, 2, 3]));
    assert.ok(error instanceof OpenAI.BadRequestError, error);
    assert.equal(error.param, "prompt");
  });
});
