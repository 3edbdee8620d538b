//! A whole answer: every text of every choice goes through the session and back to its place.

use engine::input::Channel;
use engine::run::Session;
use engine::verdict::Flow;
use serde_json::Value;

use super::carrier::{TEXTS, is_odd, strip_copies};
use crate::wire::surrogate::Joiner;
use crate::wire::{Fault, json, surrogate};

/// Parses a whole answer strictly. Halves of surrogate pairs, which are not JSON, become U+FFFD in guarded texts.
pub fn parse(bytes: &[u8]) -> Result<Answer, Fault> {
    let shielded = surrogate::shield(bytes);
    let document = json::parse(shielded.as_deref().unwrap_or(bytes))
        .map_err(|flaw| Fault::unreadable(format!("the provider's answer cannot be read: {flaw}")))?;
    Ok(Answer { document, shielded: shielded.is_some() })
}

/// A parsed answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The document.
    pub document: Value,
    shielded: bool,
}

impl From<Value> for Answer {
    fn from(document: Value) -> Self {
        Self { document, shielded: false }
    }
}

impl Answer {
    /// Lets the session judge and rewrite every text. With `strict`, which is for a program that has policies, a
    /// shape in which text could hide is refused and second copies of the text are taken away.
    pub fn guard(&mut self, session: &mut Session, strict: bool) -> Result<Flow, Fault> {
        if strict {
            strip_copies(&mut self.document);
        }
        let choices = match self.document.get_mut("choices") {
            Some(Value::Array(choices)) => choices,
            _ if strict => return Err(Fault::unreadable("the provider's answer has no list of choices")),
            _ => return Ok(Flow::Open),
        };
        let mut places = Vec::new();
        for (position, choice) in choices.iter_mut().enumerate() {
            let index = u32::try_from(position).unwrap_or(u32::MAX);
            if strict && hides_text(choice) {
                let message = "the provider's answer carries text outside of a message's fields";
                return Err(Fault::unreadable(message));
            }
            let Some(message) = choice.get_mut("message").filter(|message| !message.is_null()) else {
                continue;
            };
            let Some(fields) = guard_message(message, index, self.shielded, session, strict)? else {
                return Ok(Flow::Stopped);
            };
            places.extend(fields.into_iter().map(|(field, channel)| (position, field, channel)));
        }
        let mut tails = Vec::new();
        if session.end(&mut tails) == Flow::Stopped {
            return Ok(Flow::Stopped);
        }
        for (channel, tail) in tails {
            let place = places.iter().find(|(.., of)| *of == channel);
            let field = place.and_then(|(position, field, _)| {
                choices.get_mut(*position)?.get_mut("message")?.get_mut(field)
            });
            if let Some(Value::String(text)) = field {
                text.push_str(&tail);
            }
        }
        Ok(Flow::Open)
    }

    /// The answer as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let bytes = json::line(&self.document);
        if self.shielded { surrogate::unshield(&bytes).into_owned() } else { bytes.into_owned() }
    }
}

/// Whether a choice has a shape in which text would pass unseen.
fn hides_text(choice: &Value) -> bool {
    let is_other = |field: &str| choice.get(field).is_some_and(|value| !value.is_null());
    let message_is_odd = choice.get("message").is_some_and(|m| !m.is_object() && !m.is_null());
    is_odd(choice) || is_other("text") || is_other("delta") || message_is_odd
}

/// What a whole answer says, by channel, in the order in which it is judged.
pub(crate) fn said(answer: &Value) -> Vec<(Channel, String)> {
    let choices = answer.get("choices").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut texts = Vec::new();
    for (index, choice) in (0..).zip(choices) {
        for (field, carrier) in TEXTS {
            let text = choice.get("message").and_then(|message| message.get(field)).and_then(Value::as_str);
            texts.extend(text.map(|text| (Channel { choice: index, carrier }, text.to_owned())));
        }
    }
    texts
}

/// The fields that speak, with their channels; nothing when the answer is stopped.
fn guard_message(
    message: &mut Value,
    choice: u32,
    shielded: bool,
    session: &mut Session,
    strict: bool,
) -> Result<Option<Vec<(&'static str, Channel)>>, Fault> {
    let mut fields = Vec::new();
    for (field, carrier) in TEXTS {
        let text = match message.get_mut(field) {
            None | Some(Value::Null) => continue,
            Some(Value::String(text)) => text,
            Some(other) if strict => {
                let kind = json::kind(other);
                return Err(Fault::unreadable(format!("`{field}` of the provider's answer is {kind}")));
            }
            Some(_) => continue,
        };
        let channel = Channel { choice, carrier };
        let (mut whole, mut released, mut joiner) = (String::new(), String::new(), Joiner::default());
        joiner.push(text, shielded, &mut whole);
        joiner.end(&mut whole);
        if session.feed(channel, &whole, &mut released) == Flow::Stopped
            || session.finish(channel, &mut released) == Flow::Stopped
        {
            return Ok(None);
        }
        *text = released;
        fields.push((field, channel));
    }
    Ok(Some(fields))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit;

    fn guarded(text: &str, strict: bool) -> Result<String, Fault> {
        let mut session = kit::session("");
        let mut answer = parse(text.as_bytes())?;
        assert_eq!(answer.guard(&mut session, strict)?, Flow::Open);
        Ok(String::from_utf8(answer.to_bytes()).unwrap())
    }

    #[test]
    fn tool_calls_and_numbers_pass_as_they_are() {
        let text = concat!(
            r#"{"id":"x","created":1.0,"choices":[{"index":0,"message":{"role":"assistant","content":null,"#,
            r#""tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},"#,
            r#""finish_reason":"tool_calls"}],"usage":{"prompt_tokens":18446744073709551616}}"#
        );
        assert_eq!(guarded(text, true).unwrap(), text);
    }

    #[test]
    fn second_copies_of_the_text_are_taken_away() {
        let text = concat!(
            r#"{"token_ids":[1],"choices":[{"message":{"content":"a","reasoning":"r","reasoning_content":"r"},"#,
            r#""logprobs":{"content":[]},"raw_output":{"completion":"a"}}]}"#
        );
        let expected = r#"{"choices":[{"message":{"content":"a","reasoning_content":"r"},"logprobs":null}]}"#;
        assert_eq!(guarded(text, true).unwrap(), expected);
        assert_eq!(guarded(text, false).unwrap(), text);
    }

    #[test]
    fn text_at_the_top_is_taken_away() {
        let text = r#"{"id":"x","note":"a","model":["a"],"usage":{"a":"a","b":{"c":[],"d":1.5}},"perf_metrics":"a","choices":[]}"#;
        assert_eq!(guarded(text, true).unwrap(), r#"{"id":"x","usage":{"b":{"d":1.5}},"choices":[]}"#);
        assert_eq!(guarded(text, false).unwrap(), text);
    }

    #[test]
    fn halves_become_replacement_characters_where_they_are_read() {
        let text = r#"{"id":"\ud83d","choices":[{"message":{"content":"a\ud83d"}}]}"#;
        let expected = "{\"id\":\"\\ud83d\",\"choices\":[{\"message\":{\"content\":\"a\u{fffd}\"}}]}";
        assert_eq!(guarded(text, true).unwrap(), expected);
    }

    #[test]
    fn text_that_could_hide_is_refused() {
        for text in [
            r#"{"choices":[{"message":{"content":["a"]}}]}"#,
            r#"{"choices":[{"text":"a"}]}"#,
            r#"{"choices":["a"]}"#,
            r#"{"choices":[{"message":"a"}]}"#,
            r#"{"x":1}"#,
            r#"{"choices":{"a":"b"}}"#,
            r#"{"choices":[{"index":"a"}]}"#,
            r#"{"choices":[{"finish_reason":"Once upon a time"}]}"#,
        ] {
            assert_eq!(guarded(text, true).unwrap_err().code, "unreadable_answer");
            assert!(guarded(text, false).is_ok());
        }
        assert!(guarded("<html>", false).is_err());
    }
}
