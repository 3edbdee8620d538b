//! A whole list of choices: every text of every choice goes through the session and back to its place.

use engine::input::{Carrier, Channel};
use engine::run::Session;
use engine::verdict::Flow;
use serde_json::{Map, Value};

use super::calls::{self, OLDER, Written};
use super::shape::{Place, Shape};
use super::strip::strip_copies;
use crate::wire::json::Fields as _;
use crate::wire::strand::Strand;
use crate::wire::{Fault, json};

/// Lets the session judge and rewrite every text. With `strict`, a shape in which text could hide is refused and second
/// copies of the text are taken away.
pub(in crate::wire) fn guard(
    shape: Shape,
    document: &mut Value,
    shielded: bool,
    session: &mut Session,
    strict: bool,
) -> Result<Flow, Fault> {
    if strict {
        strip_copies(document);
    }
    let choices = match document.get_mut("choices") {
        Some(Value::Array(choices)) => choices,
        _ if strict => return Err(Fault::unreadable("the provider's answer has no list of choices")),
        _ => return Ok(Flow::Open),
    };
    let mut places = Vec::new();
    for (position, choice) in choices.iter_mut().enumerate() {
        if strict && shape.hides_text(choice) {
            return Err(Fault::unreadable("the provider's answer carries text where none belongs"));
        }
        let index = u32::try_from(position).unwrap_or(u32::MAX);
        let mut guard = Guard { session, shielded, choice: index, places: Vec::new() };
        if guard.choice(shape, choice, strict)? == Flow::Stopped {
            return Ok(Flow::Stopped);
        }
        places.extend(guard.places.into_iter().map(|(place, channel)| (position, place, channel)));
    }
    let mut tails = Vec::new();
    if session.end(&mut tails) == Flow::Stopped {
        return Ok(Flow::Stopped);
    }
    for (channel, tail) in tails {
        let Some((position, place, _)) = places.iter().find(|(.., of)| *of == channel) else { continue };
        let part = choices.get_mut(*position).and_then(|choice| shape.part_mut(choice));
        if let Some(text) = part.and_then(|part| text_at(part, *place)) {
            text.push_str(&tail);
        }
    }
    Ok(Flow::Open)
}

/// The text at a place of a choice's part.
fn text_at(part: &mut Map<String, Value>, place: Place) -> Option<&mut String> {
    match place {
        Place::Field(field) => match part.get_mut(field)? {
            Value::String(text) => Some(text),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
        },
        Place::Call(_, Written::Older) => calls::older_arguments(part),
        Place::Call(number, Written::Function | Written::Custom) => {
            calls::arguments(calls::entries(part).nth(usize::from(number))?).map(|(_, text)| text)
        }
    }
}

/// What a list of choices says, by channel, in the order in which it is judged.
pub(in crate::wire) fn said(shape: Shape, document: &Value) -> Vec<(Channel, String)> {
    let mut document = document.clone();
    strip_copies(&mut document);
    let choices = document.get_mut("choices").and_then(Value::as_array_mut);
    let mut texts = Vec::new();
    for (index, choice) in (0..).zip(choices.into_iter().flatten()) {
        let Some(part) = shape.part_mut(choice) else { continue };
        for (place, carrier) in places(shape, part) {
            let text = text_at(part, place).map(|text| text.clone());
            texts.extend(text.map(|text| (Channel { choice: index, carrier }, text)));
        }
    }
    texts
}

/// The places in a choice's part where texts may stand, with what carries them.
fn places(shape: Shape, part: &mut Map<String, Value>) -> Vec<(Place, Carrier)> {
    let mut places: Vec<_> =
        shape.texts.iter().map(|(field, carrier)| (Place::Field(field), *carrier)).collect();
    for (number, call) in (0..OLDER).zip(calls::entries(part)) {
        let written = calls::arguments(call).map(|(written, _)| written);
        places.extend(written.map(|written| (Place::Call(number, written), Carrier::Arguments(number))));
    }
    places.push((Place::Call(OLDER, Written::Older), Carrier::Arguments(OLDER)));
    places
}

/// Guards one choice, and notes where its texts stand.
struct Guard<'s> {
    session: &'s mut Session,
    shielded: bool,
    choice: u32,
    places: Vec<(Place, Channel)>,
}

impl Guard<'_> {
    fn choice(&mut self, shape: Shape, choice: &mut Value, strict: bool) -> Result<Flow, Fault> {
        let Some(part) = shape.part_mut(choice) else { return Ok(Flow::Open) };
        for (field, _) in shape.texts {
            let odd = part.field(field).filter(|value| strict && !value.is_string() && !value.is_null());
            if let Some(odd) = odd {
                let kind = json::kind(odd);
                return Err(Fault::unreadable(format!("`{field}` of the provider's answer is {kind}")));
            }
        }
        let mut named = !self.session.judges_calls();
        for (place, carrier) in places(shape, part) {
            if !named && matches!(place, Place::Call(..)) {
                named = true;
                if self.names(part) == Flow::Stopped {
                    return Ok(Flow::Stopped);
                }
            }
            if let Some(text) = text_at(part, place)
                && self.text(place, carrier, text)? == Flow::Stopped
            {
                return Ok(Flow::Stopped);
            }
        }
        Ok(Flow::Open)
    }

    /// Judges the calls by their names, behind what is said before them.
    fn names(&mut self, part: &mut Map<String, Value>) -> Flow {
        for (number, name) in calls::names(part) {
            if self.session.call(Channel::arguments(self.choice, number), &name) == Flow::Stopped {
                return Flow::Stopped;
            }
        }
        Flow::Open
    }

    fn text(&mut self, place: Place, carrier: Carrier, text: &mut String) -> Result<Flow, Fault> {
        let channel = Channel { choice: self.choice, carrier };
        let (mut strand, mut released) = (Strand::new(channel, None), String::new());
        if strand.feed(self.session, text, self.shielded, &mut released)? == Flow::Stopped
            || strand.finish(self.session, &mut released)? == Flow::Stopped
        {
            return Ok(Flow::Stopped);
        }
        *text = released;
        self.places.push((place, channel));
        Ok(Flow::Open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit;
    use crate::wire::{Answer, Asked, Endpoint};
    use bytes::Bytes;

    fn guarded_as(endpoint: Endpoint, text: &str, strict: bool) -> Result<String, Fault> {
        let mut session = kit::session("");
        let mut answer = Answer::parse(endpoint, &Bytes::from(text.to_owned()))?;
        assert_eq!(answer.guard(&mut session, strict, &Asked::default())?, Flow::Open);
        Ok(String::from_utf8(answer.to_bytes().to_vec()).unwrap())
    }

    fn guarded(text: &str, strict: bool) -> Result<String, Fault> {
        guarded_as(Endpoint::Chat, text, strict)
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

    #[test]
    fn completions_keep_their_texts_in_their_choices() {
        let text = concat!(
            r#"{"id":"x","object":"text_completion","choices":[{"text":"a","index":0,"finish_reason":"stop","#,
            r#""logprobs":{"tokens":["a"]},"token_ids":[1],"prompt_logprobs":[1]},{"text":"b","index":1}],"#,
            r#""usage":{"prompt_tokens":1}}"#
        );
        let expected = concat!(
            r#"{"id":"x","object":"text_completion","choices":[{"text":"a","index":0,"finish_reason":"stop","#,
            r#""logprobs":null},{"text":"b","index":1}],"usage":{"prompt_tokens":1}}"#
        );
        assert_eq!(guarded_as(Endpoint::Completions, text, true).unwrap(), expected);
        assert_eq!(guarded_as(Endpoint::Completions, text, false).unwrap(), text);
        for text in [
            r#"{"choices":[{"message":{"content":"a"}}]}"#,
            r#"{"choices":[{"text":["a"]}]}"#,
            r#"{"choices":[{"text":{"a":"b"}}]}"#,
            r#"{"choices":["a"]}"#,
        ] {
            let fault = guarded_as(Endpoint::Completions, text, true).unwrap_err();
            assert_eq!(fault.code, "unreadable_answer", "{text}");
        }
    }
}
