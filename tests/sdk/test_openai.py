"""The official SDK through the gateway: plain, streamed, tools, blocks, redaction, failures."""

import json
import os
import unittest

import openai

CLIENT = openai.OpenAI(base_url=os.environ["KT_BASE_URL"], api_key="client-key", max_retries=2, timeout=10)
TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}}}}]


def ask(words, **more):
    return CLIENT.chat.completions.create(model="m", messages=[{"role": "user", "content": words}], **more)


def text(chunks):
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


class Answers(unittest.TestCase):
    def test_plain(self):
        answer = ask("hi")
        self.assertEqual(answer.choices[0].message.content, "hello there")
        self.assertEqual((answer.choices[0].finish_reason, answer.usage.total_tokens), ("stop", 8))

    def test_headers_are_there(self):
        raw = CLIENT.chat.completions.with_raw_response.create(
            model="m", messages=[{"role": "user", "content": "hi"}], extra_headers={"x-request-id": "sdk-1"})
        self.assertEqual((raw.headers["x-request-id"], raw.headers["x-kt-target"]), ("sdk-1", "a"))
        self.assertEqual(raw.parse()._request_id, "sdk-1")

    def test_streamed(self):
        chunks = list(ask("hi", stream=True))
        self.assertEqual(text(chunks), "hello there")
        self.assertEqual(chunks[-1].choices[0].finish_reason, "stop")

    def test_the_stream_helper(self):
        messages = [{"role": "user", "content": "hi"}]
        with CLIENT.chat.completions.stream(model="m", messages=messages) as stream:
            self.assertEqual(stream.get_final_completion().choices[0].message.content, "hello there")

    def test_models(self):
        self.assertEqual([model.id for model in CLIENT.models.list()], ["a"])


class Tools(unittest.TestCase):
    def test_plain(self):
        call = ask("tools", tools=TOOLS).choices[0].message.tool_calls[0]
        self.assertEqual((call.id, call.function.name), ("call_1", "get_weather"))
        self.assertEqual(call.function.arguments, '{"city": "Oslo", "n": 1.0}')

    def test_streamed(self):
        chunks = list(ask("tools", tools=TOOLS, stream=True))
        deltas = [c.choices[0].delta.tool_calls[0] for c in chunks if c.choices[0].delta.tool_calls]
        self.assertEqual((deltas[0].id, deltas[0].function.name), ("call_1", "get_weather"))
        arguments = "".join(delta.function.arguments or "" for delta in deltas)
        self.assertEqual(json.loads(arguments), {"city": "Oslo", "n": 1.0})
        self.assertEqual(chunks[-1].choices[0].finish_reason, "tool_calls")


class Policies(unittest.TestCase):
    def test_a_prompt_is_redacted(self):
        answer = ask("I am ann@example.com, echo")
        self.assertEqual(answer.choices[0].message.content, "I am [EMAIL], echo")

    def test_a_stream_cut_inside_the_match_is_redacted(self):
        self.assertEqual(text(ask("cut", stream=True)), "write to [EMAIL] or [SECRET] now")
        self.assertEqual(text(ask("letters", stream=True)), "é😀 to [EMAIL]")

    def test_a_block_is_a_conflict_and_not_retried(self):
        for stream in (False, True):  # the number of requests is counted in the audit log afterwards
            with self.assertRaises(openai.ConflictError) as raised:
                ask("FORBIDDEN", stream=stream)
            error = raised.exception
            self.assertIsInstance(error, openai.APIStatusError)
            self.assertEqual((error.status_code, error.code, error.type), (409, "input_blocked", "policy_violation"))
            self.assertEqual((error.body["rule"], error.body["reason_code"]), ("stop", "house.forbidden"))
            self.assertIn("found FORBIDDEN", error.message)
            self.assertEqual(error.request_id, error.body["request_id"])

    def test_a_block_in_mid_stream_raises(self):
        chunks = []
        with self.assertRaises(openai.APIError) as raised:
            for chunk in ask("stop", stream=True):
                chunks.append(chunk)
        self.assertEqual((raised.exception.code, raised.exception.type), ("output_blocked", "policy_violation"))
        self.assertEqual(raised.exception.message, "found FORBIDDEN")
        self.assertEqual((text(chunks), chunks[-1].choices[0].finish_reason), ("fine so far. ", "content_filter"))


class Completions(unittest.TestCase):
    def complete(self, prompt, **more):
        return CLIENT.completions.create(model="m", prompt=prompt, **more)

    def test_plain(self):
        answer = self.complete("hi")
        self.assertEqual((answer.choices[0].text, answer.choices[0].finish_reason), ("hello there", "stop"))
        self.assertEqual(self.complete("I am ann@example.com, echo").choices[0].text, "I am [EMAIL], echo")

    def test_streamed(self):
        chunks = list(self.complete("cut", stream=True))
        self.assertEqual("".join(c.choices[0].text for c in chunks), "write to [EMAIL] or [SECRET] now")
        self.assertEqual(chunks[-1].choices[0].finish_reason, "stop")

    def test_blocks(self):
        with self.assertRaises(openai.ConflictError) as raised:
            self.complete("FORBIDDEN")
        self.assertEqual(raised.exception.code, "input_blocked")
        chunks = []
        with self.assertRaises(openai.APIError) as raised:
            for chunk in self.complete("stop", stream=True):
                chunks.append(chunk)
        self.assertEqual((raised.exception.code, raised.exception.type), ("output_blocked", "policy_violation"))
        self.assertEqual("".join(c.choices[0].text for c in chunks), "fine so far. ")
        self.assertEqual(chunks[-1].choices[0].finish_reason, "content_filter")

    def test_a_truncated_stream_raises(self):
        with self.assertRaises(openai.APIError) as raised:
            list(self.complete("truncate", stream=True))
        self.assertEqual(raised.exception.code, "stream_truncated")

    def test_token_ids_are_refused(self):
        with self.assertRaises(openai.BadRequestError) as raised:
            self.complete([1, 2, 3])
        self.assertEqual(raised.exception.param, "prompt")


class Embeddings(unittest.TestCase):
    def test_one_and_many(self):
        answer = CLIENT.embeddings.create(model="m", input="hi")
        self.assertEqual(answer.data[0].embedding, [0.25, -2.0])
        answer = CLIENT.embeddings.create(model="m", input=["a", "b"], encoding_format="float")
        self.assertEqual([entry.embedding for entry in answer.data], [[0.25, -1e-7]] * 2)
        self.assertEqual(answer.usage.prompt_tokens, 3)

    def test_a_block(self):
        with self.assertRaises(openai.ConflictError) as raised:
            CLIENT.embeddings.create(model="m", input=["a", "FORBIDDEN"])
        self.assertEqual(raised.exception.code, "input_blocked")


class Responses(unittest.TestCase):
    def respond(self, words, **more):
        return CLIENT.responses.create(model="m", input=words, **more)

    def test_plain(self):
        answer = self.respond("hi")
        self.assertEqual((answer.output_text, answer.status), ("hello there", "completed"))
        self.assertEqual(answer.usage.input_tokens, 3)
        self.assertEqual(self.respond("I am ann@example.com, echo").output_text, "I am [EMAIL], echo")

    def test_streamed(self):
        events = list(self.respond("cut", stream=True))
        said = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        self.assertEqual(said, "write to [EMAIL] or [SECRET] now")
        self.assertEqual([event.sequence_number for event in events], list(range(len(events))))
        self.assertEqual((events[0].type, events[-1].type), ("response.created", "response.completed"))
        self.assertEqual(events[-1].response.output_text, said)

    def test_the_stream_helper(self):
        with CLIENT.responses.stream(model="m", input="cut") as stream:
            said = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
            self.assertEqual(stream.get_final_response().output_text, "write to [EMAIL] or [SECRET] now")
        self.assertEqual(said, "write to [EMAIL] or [SECRET] now")

    def test_a_call_in_pieces(self):
        tools = [{"type": "function", "name": "get_weather", "parameters": {"type": "object"}, "strict": False}]
        with CLIENT.responses.stream(model="m", input="tools", tools=tools) as stream:
            call = stream.get_final_response().output[0]
        self.assertEqual((call.name, json.loads(call.arguments)), ("get_weather", {"city": "Oslo"}))

    def test_a_block_is_a_conflict(self):
        with self.assertRaises(openai.ConflictError) as raised:
            self.respond("FORBIDDEN")
        self.assertEqual((raised.exception.code, raised.exception.body["rule"]), ("input_blocked", "stop"))

    def test_a_block_in_mid_stream_raises(self):
        events = []
        with self.assertRaises(openai.APIError) as raised:
            for event in self.respond("stop", stream=True):
                events.append(event)
        self.assertEqual((raised.exception.code, raised.exception.type), ("output_blocked", "policy_violation"))
        self.assertEqual(events[-1].type, "response.incomplete")
        self.assertEqual(events[-1].response.incomplete_details.reason, "content_filter")
        self.assertEqual(events[-1].response.output_text, "fine so far. ")

    def test_a_block_in_the_stream_helper_raises(self):
        with self.assertRaises(openai.APIError) as raised:
            with CLIENT.responses.stream(model="m", input="stop") as stream:
                stream.get_final_response()
        self.assertEqual(raised.exception.code, "output_blocked")

    def test_a_truncated_stream_raises(self):
        with self.assertRaises(openai.APIError) as raised:
            list(self.respond("truncate", stream=True))
        self.assertEqual((raised.exception.code, raised.exception.type), ("stream_truncated", "upstream_error"))


class Failures(unittest.TestCase):
    def test_a_truncated_stream_raises(self):
        with self.assertRaises(openai.APIError) as raised:
            list(ask("truncate", stream=True))
        self.assertEqual((raised.exception.code, raised.exception.type), ("stream_truncated", "upstream_error"))

    def test_a_rate_limit_keeps_its_meaning(self):
        with self.assertRaises(openai.RateLimitError) as raised:
            ask("busy")
        self.assertEqual(raised.exception.code, "rate_limit_exceeded")

    def test_a_refused_key_of_the_operator_is_not_the_clients(self):
        with self.assertRaises(openai.InternalServerError) as raised:
            ask("refuse")
        self.assertEqual((raised.exception.status_code, raised.exception.code), (502, "upstream_auth"))

    def test_a_malformed_request_is_told(self):
        with self.assertRaises(openai.BadRequestError) as raised:
            ask("hi", extra_body={"api_base": "http://elsewhere"})
        self.assertEqual((raised.exception.code, raised.exception.param), ("invalid_request", "api_base"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
