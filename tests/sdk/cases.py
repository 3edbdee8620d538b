"""What an application sees when it talks to a model through kt, by the official Python SDK.

The gateway redacts e-mail addresses and words such as SECRET123, and blocks at FORBIDDEN, in prompts and in answers.
Its provider does what the last word of the prompt says, see `provider.rs`. `cases.mjs` has the same cases for Node.
"""

import asyncio
import os
import time
import unittest

import openai
import pydantic

BASE_URL = os.environ["KT_BASE_URL"]
CLIENT = openai.OpenAI(base_url=BASE_URL, api_key="client-key", max_retries=2, timeout=20)
CHAT = CLIENT.chat.completions

# What differs between the versions. Each is checked, so that one that has gone is noticed.
MAJOR = int(openai.__version__.split(".")[0])
FILTER_ERROR_HOLDS_THE_COMPLETION = MAJOR >= 3  # older ones say no more than that a filter has stopped the answer

# The answer to `cut:N`, which comes in two pieces, cut after N characters of what the provider says.
REDACTED = "é😀 to [EMAIL] or [SECRET] now"
CUTS = range(len("é😀 to ann@example.com or SECRET123 now") + 1)


class Weather(pydantic.BaseModel):
    city: str
    mail: str


REDACTED_WEATHER = Weather(city="Oslo", mail="[EMAIL]")
WEATHER_TOOL = openai.pydantic_function_tool(Weather, name="get_weather")


def asking(prompt):
    return {"model": "m", "messages": [{"role": "user", "content": prompt}]}


def said(chunks, choice=0):
    """The text of a choice of a streamed chat."""
    return "".join(c.delta.content or "" for chunk in chunks for c in chunk.choices if c.index == choice)


def helped(prompt, **more):
    """The whole chat that the stream helper puts together."""
    with CHAT.stream(**asking(prompt), **more) as stream:
        return stream.get_final_completion()


def complete(prompt, **more):
    return CLIENT.completions.create(model="m", prompt=prompt, **more)


def respond(prompt, **more):
    return CLIENT.responses.create(model="m", input=prompt, **more)


def response_helped(prompt, **more):
    """The whole response that the stream helper puts together."""
    with CLIENT.responses.stream(model="m", input=prompt, **more) as stream:
        return stream.get_final_response()


class Case(unittest.TestCase):
    def assert_blocked(self, call):
        """The request is refused before the first byte."""
        with self.assertRaises(openai.ConflictError) as raised:
            call()
        error = raised.exception
        self.assertEqual((error.status_code, error.code, error.type), (409, "input_blocked", "policy_violation"))
        self.assertEqual((error.body["rule"], error.body["reason_code"]), ("stop", "house.forbidden"))
        self.assertIn("found FORBIDDEN", error.message)
        self.assertEqual(error.request_id, error.body["request_id"])

    def assert_stopped(self, stream):
        """A rule stops the stream; gives what came before that."""
        return self.assert_raises(stream, "output_blocked", "policy_violation", "found FORBIDDEN", rule="stop")

    def assert_truncated(self, stream):
        return self.assert_raises(stream, "stream_truncated", "upstream_error", "the provider's answer")

    def assert_raises(self, stream, code, kind, message, rule=None):
        parts = []
        with self.assertRaises(openai.APIError) as raised:
            for part in stream():
                parts.append(part)
        self.assertEqual((raised.exception.code, raised.exception.type), (code, kind))
        self.assertIn(message, raised.exception.message)
        self.assertEqual(raised.exception.body.get("rule"), rule)
        self.assertRegex(raised.exception.body["request_id"], "^req_")
        return parts


class Chats(Case):
    def test_a_chat_is_answered(self):
        answer = CHAT.create(**asking("hi"))
        self.assertEqual(answer.choices[0].message.content, "hello there")
        self.assertEqual((answer.choices[0].finish_reason, answer.usage.total_tokens), ("stop", 8))

    def test_a_chat_is_streamed(self):
        chunks = list(CHAT.create(**asking("hi"), stream=True))
        self.assertEqual((said(chunks), chunks[-1].choices[0].finish_reason), ("hello there", "stop"))

    def test_the_stream_helper_puts_a_chat_together(self):
        answer = helped("hi")
        self.assertEqual((answer.choices[0].message.content, answer.choices[0].finish_reason), ("hello there", "stop"))

    def test_several_choices_are_kept_apart(self):
        whole = CHAT.create(**asking("cut:9"), n=3)
        self.assertEqual([choice.message.content for choice in whole.choices], [REDACTED] * 3)
        chunks = list(CHAT.create(**asking("cut:9"), n=3, stream=True))
        self.assertEqual([said(chunks, choice) for choice in range(3)], [REDACTED] * 3)
        self.assertEqual([choice.message.content for choice in helped("cut:9", n=3).choices], [REDACTED] * 3)

    def test_a_stream_tells_usage_to_those_who_ask(self):
        chunks = list(CHAT.create(**asking("hi"), stream=True))
        self.assertTrue(all(chunk.choices and chunk.usage is None for chunk in chunks))
        *chunks, last = CHAT.create(**asking("hi"), stream=True, stream_options={"include_usage": True})
        self.assertTrue(all(chunk.choices and chunk.usage is None for chunk in chunks))
        self.assertEqual((last.choices, last.usage.prompt_tokens, last.usage.total_tokens), ([], 3, 8))
        self.assertEqual(helped("hi", stream_options={"include_usage": True}).usage.total_tokens, 8)

    def test_reasoning_passes_and_is_redacted(self):
        whole = CHAT.create(**asking("think")).choices[0].message
        self.assertEqual((whole.reasoning_content, whole.content), ("ask [EMAIL]", "hello"))
        chunks = list(CHAT.create(**asking("think"), stream=True))
        thoughts = [getattr(chunk.choices[0].delta, "reasoning_content", None) or "" for chunk in chunks]
        self.assertEqual(("".join(thoughts), said(chunks)), ("ask [EMAIL]", "hello"))

    def test_the_models_are_the_targets(self):
        self.assertEqual([model.id for model in CLIENT.models.list()], ["a"])

    def test_headers_name_the_request_and_the_target(self):
        raw = CHAT.with_raw_response.create(**asking("hi"), extra_headers={"x-request-id": "sdk-1"})
        self.assertEqual((raw.headers["x-request-id"], raw.headers["x-kt-target"]), ("sdk-1", "a"))
        self.assertEqual(raw.parse()._request_id, "sdk-1")


class Tools(Case):
    def test_a_call_comes_whole(self):
        call = CHAT.create(**asking("tools"), tools=[WEATHER_TOOL]).choices[0].message.tool_calls[0]
        self.assertEqual((call.id, call.function.name), ("call_1", "get_weather"))
        self.assertEqual(call.function.arguments, '{"city": "Oslo", "mail": "[EMAIL]"}')

    def test_a_call_comes_in_pieces(self):
        chunks = list(CHAT.create(**asking("tools"), tools=[WEATHER_TOOL], stream=True))
        calls = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or []]
        self.assertEqual((calls[0].id, calls[0].function.name), ("call_1", "get_weather"))
        arguments = "".join(call.function.arguments or "" for call in calls)
        self.assertEqual(Weather.model_validate_json(arguments), REDACTED_WEATHER)
        self.assertEqual(chunks[-1].choices[0].finish_reason, "tool_calls")

    def test_the_helpers_parse_a_call(self):
        for answer in (CHAT.parse(**asking("tools"), tools=[WEATHER_TOOL]), helped("tools", tools=[WEATHER_TOOL])):
            function = answer.choices[0].message.tool_calls[0].function
            self.assertEqual((function.name, function.parsed_arguments), ("get_weather", REDACTED_WEATHER))

    def test_a_call_of_a_response_comes_in_pieces(self):
        tools = [{"type": "function", "name": "get_weather", "parameters": {"type": "object"}, "strict": False}]
        call = response_helped("tools", tools=tools).output[0]
        self.assertEqual((call.name, call.call_id), ("get_weather", "call_1"))
        self.assertEqual(Weather.model_validate_json(call.arguments), REDACTED_WEATHER)


class StructuredOutputs(Case):
    def test_a_chat_is_parsed(self):
        for answer in (CHAT.parse(**asking("json"), response_format=Weather), helped("json", response_format=Weather)):
            self.assertEqual(answer.choices[0].message.parsed, REDACTED_WEATHER)

    def test_a_response_is_parsed(self):
        answer = CLIENT.responses.parse(model="m", input="json", text_format=Weather)
        self.assertEqual(answer.output_parsed, REDACTED_WEATHER)
        self.assertEqual(response_helped("json", text_format=Weather).output_parsed, REDACTED_WEATHER)

    def test_a_block_in_a_parsed_stream_is_the_sdks_own_error(self):
        # With something to parse, the helper raises at `finish_reason: "content_filter"`, which comes before kt's error.
        for more in ({"response_format": Weather}, {"tools": [WEATHER_TOOL]}):
            with self.assertRaises(openai.ContentFilterFinishReasonError) as raised:
                helped("stop:json", **more)
            self.assertEqual(hasattr(raised.exception, "completion"), FILTER_ERROR_HOLDS_THE_COMPLETION)

    def test_a_filter_of_the_provider_is_the_sdks_own_error(self):
        self.assertEqual(CHAT.create(**asking("filter")).choices[0].finish_reason, "content_filter")
        chunks = list(CHAT.create(**asking("filter"), stream=True))
        self.assertEqual((said(chunks), chunks[-1].choices[0].finish_reason), ("hello there", "content_filter"))
        with self.assertRaises(openai.ContentFilterFinishReasonError):
            CHAT.parse(**asking("filter"), response_format=Weather)


class Redaction(Case):
    def test_a_prompt_is_redacted(self):
        self.assertEqual(CHAT.create(**asking("I am ann@example.com, echo")).choices[0].message.content,
                         "I am [EMAIL], echo")
        self.assertEqual(complete("I am ann@example.com, echo").choices[0].text, "I am [EMAIL], echo")
        self.assertEqual(respond("I am ann@example.com, echo").output_text, "I am [EMAIL], echo")

    def test_a_chat_is_redacted_wherever_it_is_cut(self):
        for at in CUTS:
            self.assertEqual(said(CHAT.create(**asking(f"cut:{at}"), stream=True)), REDACTED, at)
        self.assertEqual(CHAT.create(**asking("cut:0")).choices[0].message.content, REDACTED)
        self.assertEqual(helped("letters").choices[0].message.content, REDACTED)

    def test_a_completion_is_redacted_wherever_it_is_cut(self):
        for at in CUTS:
            chunks = complete(f"cut:{at}", stream=True)
            self.assertEqual("".join(chunk.choices[0].text for chunk in chunks), REDACTED, at)
        self.assertEqual(complete("cut:0").choices[0].text, REDACTED)

    def test_a_response_is_redacted_wherever_it_is_cut(self):
        for at in CUTS:
            events = list(respond(f"cut:{at}", stream=True))
            deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
            self.assertEqual(("".join(deltas), events[-1].response.output_text), (REDACTED, REDACTED), at)
        self.assertEqual(respond("cut:0").output_text, REDACTED)
        self.assertEqual(response_helped("letters").output_text, REDACTED)

    def test_a_character_that_is_cut_in_two_is_whole(self):
        self.assertEqual(said(CHAT.create(**asking("halves"), stream=True)), "so 😀 far")
        self.assertEqual(helped("halves").choices[0].message.content, "so 😀 far")


class Blocks(Case):
    def test_a_blocked_chat_is_a_conflict(self):
        self.assert_blocked(lambda: CHAT.create(**asking("FORBIDDEN")))
        self.assert_blocked(lambda: CHAT.create(**asking("FORBIDDEN"), stream=True))
        self.assert_blocked(lambda: CHAT.parse(**asking("FORBIDDEN"), response_format=Weather))
        self.assert_blocked(lambda: helped("FORBIDDEN"))

    def test_a_blocked_completion_is_a_conflict(self):
        self.assert_blocked(lambda: complete("FORBIDDEN"))
        self.assert_blocked(lambda: complete("FORBIDDEN", stream=True))

    def test_a_blocked_embedding_is_a_conflict(self):
        self.assert_blocked(lambda: CLIENT.embeddings.create(model="m", input=["a", "FORBIDDEN"]))

    def test_a_blocked_response_is_a_conflict(self):
        self.assert_blocked(lambda: respond("FORBIDDEN"))
        self.assert_blocked(lambda: respond("FORBIDDEN", stream=True))
        self.assert_blocked(lambda: response_helped("FORBIDDEN"))
        self.assert_blocked(lambda: CLIENT.responses.parse(model="m", input="FORBIDDEN", text_format=Weather))

    def test_a_client_that_does_not_wait_sees_the_same(self):
        async def ask(prompt):
            async with openai.AsyncOpenAI(base_url=BASE_URL, api_key="client-key") as client:
                stream = await client.chat.completions.create(**asking(prompt), stream=True)
                return [chunk async for chunk in stream]

        self.assertEqual(said(asyncio.run(ask("letters"))), REDACTED)
        self.assert_blocked(lambda: asyncio.run(ask("FORBIDDEN")))
        self.assert_stopped(lambda: asyncio.run(ask("stop")))

    def test_a_whole_answer_that_is_blocked_is_a_conflict(self):
        for call in (lambda: CHAT.create(**asking("stop")), lambda: complete("stop"), lambda: respond("stop")):
            with self.assertRaises(openai.ConflictError) as raised:
                call()
            self.assertEqual((raised.exception.code, raised.exception.type), ("output_blocked", "policy_violation"))

    def test_a_block_in_a_chat_that_streams_raises(self):
        chunks = self.assert_stopped(lambda: CHAT.create(**asking("stop"), stream=True))
        self.assertEqual((said(chunks), chunks[-1].choices[0].finish_reason), ("fine so far. ", "content_filter"))

    def test_a_block_in_one_choice_leaves_the_others(self):
        chunks = self.assert_stopped(lambda: CHAT.create(**asking("stop:second"), n=2, stream=True))
        self.assertEqual([said(chunks, choice) for choice in range(2)], ["hello there", "fine so far. "])
        ends = {choice.index: choice.finish_reason for chunk in chunks for choice in chunk.choices}
        self.assertEqual(ends, {0: "stop", 1: "content_filter"})

    def test_a_block_in_the_stream_helper_raises(self):
        def events():
            with CHAT.stream(**asking("stop")) as stream:
                yield from stream

        deltas = [event.delta for event in self.assert_stopped(events) if event.type == "content.delta"]
        self.assertEqual("".join(deltas), "fine so far. ")

    def test_a_block_in_a_completion_that_streams_raises(self):
        chunks = self.assert_stopped(lambda: complete("stop", stream=True))
        self.assertEqual("".join(chunk.choices[0].text for chunk in chunks), "fine so far. ")
        self.assertEqual(chunks[-1].choices[0].finish_reason, "content_filter")

    def test_a_block_in_a_response_that_streams_raises(self):
        *_, last = self.assert_stopped(lambda: respond("stop", stream=True))
        self.assertEqual((last.type, last.response.incomplete_details.reason), ("response.incomplete", "content_filter"))
        self.assertEqual(last.response.output_text, "fine so far. ")

    def test_a_block_in_the_helper_of_responses_raises(self):
        def events():
            with CLIENT.responses.stream(model="m", input="stop") as stream:
                yield from stream

        events = self.assert_stopped(events)
        deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
        self.assertEqual(("".join(deltas), events[-1].type), ("fine so far. ", "response.incomplete"))
        self.assert_stopped(lambda: [response_helped("stop:json", text_format=Weather)])


class OtherEndpoints(Case):
    def test_a_completion_is_answered(self):
        answer = complete("hi", n=2)
        self.assertEqual([choice.text for choice in answer.choices], ["hello there"] * 2)
        self.assertEqual((answer.choices[0].finish_reason, answer.usage.total_tokens), ("stop", 8))
        *chunks, last = complete("hi", stream=True, stream_options={"include_usage": True})
        self.assertEqual("".join(chunk.choices[0].text for chunk in chunks), "hello there")
        self.assertEqual((chunks[-1].choices[0].finish_reason, last.usage.total_tokens), ("stop", 8))

    def test_embeddings_come_in_both_spellings(self):
        # Without a format the SDK asks for base64, and decodes it.
        answer = CLIENT.embeddings.create(model="m", input="hi")
        self.assertEqual((answer.data[0].embedding, answer.usage.prompt_tokens), ([0.25, -2.0], 3))
        answer = CLIENT.embeddings.create(model="m", input=["a", "b"], encoding_format="float")
        self.assertEqual([entry.embedding for entry in answer.data], [[0.25, -1e-7]] * 2)
        answer = CLIENT.embeddings.create(model="m", input="hi", encoding_format="base64")
        self.assertEqual(answer.data[0].embedding, "AACAPgAAAMA=")

    def test_a_response_is_answered(self):
        answer = respond("hi")
        self.assertEqual((answer.output_text, answer.status), ("hello there", "completed"))
        self.assertEqual((answer.usage.input_tokens, answer.usage.total_tokens), (3, 8))

    def test_a_response_is_streamed(self):
        events = list(respond("hi", stream=True))
        self.assertEqual([event.sequence_number for event in events], list(range(len(events))))
        self.assertEqual((events[0].type, events[-1].type), ("response.created", "response.completed"))
        self.assertEqual((events[-1].response.output_text, events[-1].response.usage.total_tokens), ("hello there", 8))
        self.assertEqual(response_helped("hi").output_text, "hello there")

    def test_reasoning_of_a_response_passes_and_is_redacted(self):
        self.assertEqual(response_helped("think").output[0].summary[0].text, "ask [EMAIL]")


class Failures(Case):
    def test_a_chat_that_breaks_off_raises(self):
        chunks = self.assert_truncated(lambda: CHAT.create(**asking("truncate"), stream=True))
        self.assertTrue("half an answer".startswith(said(chunks)))
        self.assert_truncated(lambda: [helped("truncate")])

    def test_a_completion_that_breaks_off_raises(self):
        self.assert_truncated(lambda: complete("truncate", stream=True))

    def test_a_response_that_breaks_off_raises(self):
        self.assert_truncated(lambda: respond("truncate", stream=True))
        self.assert_truncated(lambda: [response_helped("truncate")])

    def test_a_rate_limit_is_waited_for(self):
        begun = time.monotonic()
        self.assertEqual(CHAT.create(**asking("busy:once")).choices[0].message.content, "hello there")
        self.assertGreaterEqual(time.monotonic() - begun, 1)  # the provider's `retry-after`; by itself it waits for less

    def test_a_rate_limit_keeps_its_meaning(self):
        with self.assertRaises(openai.RateLimitError) as raised:
            CLIENT.with_options(max_retries=0).chat.completions.create(**asking("busy"))
        self.assertEqual((raised.exception.code, raised.exception.response.headers["retry-after"]),
                         ("rate_limit_exceeded", "1"))

    def test_a_refused_key_of_the_operator_is_not_the_clients(self):
        with self.assertRaises(openai.InternalServerError) as raised:
            CHAT.create(**asking("refuse"))
        self.assertEqual((raised.exception.status_code, raised.exception.code), (502, "upstream_auth"))

    def test_a_malformed_request_is_told(self):
        with self.assertRaises(openai.BadRequestError) as raised:
            CHAT.create(**asking("hi"), extra_body={"api_base": "http://elsewhere"})
        self.assertEqual((raised.exception.code, raised.exception.param), ("invalid_request", "api_base"))

    def test_token_ids_are_refused(self):
        with self.assertRaises(openai.BadRequestError) as raised:
            complete([1, 2, 3])
        self.assertEqual(raised.exception.param, "prompt")


if __name__ == "__main__":
    unittest.main(verbosity=2)
