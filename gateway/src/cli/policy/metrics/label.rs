//! What a line of labelled data says that it is.

use serde_json::{Map, Value, json};

use super::super::lines::Line;
use crate::rehearsal::exchange::Exchange;
use crate::wire::json as strict_json;

/// Who is taken to say a line's `text`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli::policy) enum Speaker {
    /// A user.
    #[default]
    User,
    /// A tool, in its result.
    Tool,
    /// The model, in its answer.
    Answer,
}

/// A labelled line.
pub(super) struct Labelled {
    pub(super) exchange: Exchange,
    /// The set that it belongs to; absent when the line does not say.
    pub(super) set: Option<String>,
    pub(super) label: Label,
    /// Its text, when it is one.
    pub(super) text: String,
}

/// Its label.
pub(super) enum Label {
    /// Whether it should be caught.
    Class(bool),
    /// What should be found in its text.
    Spans(Vec<Gold>),
}

/// A span that should be found; characters of the text.
pub(super) struct Gold {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) ty: String,
}

impl Labelled {
    pub(super) fn read(line: &Line, speaker: Speaker) -> Result<Self, String> {
        let bytes = line.bytes.as_ref().ok_or("the line is longer than 16 MiB")?;
        let parsed = strict_json::parse(bytes.trim_ascii()).map_err(|flaw| flaw.to_string())?;
        let Value::Object(mut fields) = parsed else { return Err("the line is not a JSON object".into()) };
        let label = label(fields.remove("label"))?;
        let set = ["set", "source"].iter().find_map(|name| fields.get(*name)?.as_str()).map(str::to_owned);
        let text = fields.get("text").and_then(Value::as_str).unwrap_or_default().to_owned();
        if matches!(label, Label::Spans(_)) && !fields.contains_key("text") {
            return Err("a list of spans needs a `text` that they lie in".into());
        }
        spoken_by(speaker, &mut fields)?;
        Ok(Self { exchange: Exchange::of_fields(fields)?, set, label, text })
    }
}

fn label(label: Option<Value>) -> Result<Label, String> {
    const WANTED: &str = "`label` is 0 or 1, or a list of {start, end, type} in characters";
    match label {
        Some(Value::Bool(caught)) => Ok(Label::Class(caught)),
        Some(Value::Number(number)) => match number.as_u64() {
            Some(0) => Ok(Label::Class(false)),
            Some(1) => Ok(Label::Class(true)),
            _ => Err(WANTED.into()),
        },
        Some(Value::Array(spans)) => {
            Ok(Label::Spans(spans.iter().map(gold).collect::<Option<_>>().ok_or(WANTED)?))
        }
        _ => Err(WANTED.into()),
    }
}

fn gold(span: &Value) -> Option<Gold> {
    let place = |name: &str| usize::try_from(span.get(name)?.as_u64()?).ok();
    let (start, end) = (place("start")?, place("end")?);
    (start < end).then_some(())?;
    Some(Gold { start, end, ty: span.get("type")?.as_str()?.to_owned() })
}

/// Puts the `text` into the mouth of who says it; a line with `messages` stays as it is.
fn spoken_by(speaker: Speaker, fields: &mut Map<String, Value>) -> Result<(), String> {
    if speaker == Speaker::User || !fields.contains_key("text") {
        return Ok(());
    }
    if fields.contains_key("messages") || fields.contains_key("response") {
        return Err("a line with `messages` or `response` says who speaks; judge it without `--as`".into());
    }
    let text = fields.remove("text").unwrap_or_default();
    if speaker == Speaker::Answer {
        fields.insert("response".into(), text);
        return Ok(());
    }
    let call = json!({"id": "call_1", "type": "function", "function": {"name": "read", "arguments": "{}"}});
    let messages = json!([
        {"role": "user", "content": "-"},
        {"role": "assistant", "content": null, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": text},
    ]);
    fields.insert("messages".into(), messages);
    Ok(())
}
