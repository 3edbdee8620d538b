//! The one walk over a request's strings; reading and rewriting both go by it, so their indices agree.

use engine::input::Role;
use engine::verdict::Edit;
use serde_json::{Map, Value};

/// One step from a value to a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// Into the value under a key.
    Key(&'a str),
    /// Into an item of an array.
    Item(usize),
    /// To the text of a key itself.
    Name(&'a str),
}

/// Visits every string that a model may read, in document order, with its role and its path.
pub(super) fn walk<'a>(document: &'a Value, mut visit: impl FnMut(Role, &'a str, &[Step<'a>])) {
    let Value::Object(fields) = document else { return };
    let mut walker = Walker { path: Vec::new(), visit: &mut visit };
    for (key, value) in fields {
        walker.path.push(Step::Key(key));
        match key.as_str() {
            "model" => {}
            "messages" => walker.messages(value),
            "tools" | "functions" | "tool_choice" | "function_call" | "response_format" => {
                walker.value(value, Role::Definition);
            }
            _ => walker.value(value, Role::Other),
        }
        walker.path.pop();
    }
}

struct Walker<'a, 'v> {
    path: Vec<Step<'a>>,
    visit: &'v mut dyn FnMut(Role, &'a str, &[Step<'a>]),
}

impl<'a> Walker<'a, '_> {
    fn messages(&mut self, value: &'a Value) {
        let Value::Array(messages) = value else { return self.value(value, Role::Other) };
        for (index, message) in messages.iter().enumerate() {
            self.path.push(Step::Item(index));
            let role = message.get("role").and_then(Value::as_str).and_then(role_named);
            self.value(message, role.unwrap_or(Role::Other));
            self.path.pop();
        }
    }

    fn value(&mut self, value: &'a Value, role: Role) {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
            Value::String(text) => self.text(text, role),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.path.push(Step::Item(index));
                    self.value(item, role);
                    self.path.pop();
                }
            }
            Value::Object(fields) => self.object(fields, role),
        }
    }

    fn object(&mut self, fields: &'a Map<String, Value>, role: Role) {
        for (key, value) in fields {
            if !is_protocol_word(key) {
                self.path.push(Step::Name(key));
                (self.visit)(role, key, &self.path);
                self.path.pop();
            }
            self.path.push(Step::Key(key));
            self.value(value, role);
            self.path.pop();
        }
    }

    fn text(&mut self, text: &'a str, role: Role) {
        if !self.is_tag(text) && !self.is_media(text) {
            (self.visit)(role, text, &self.path);
        }
    }

    /// A word of the protocol in a place where only such words are understood.
    fn is_tag(&self, text: &str) -> bool {
        match self.path.as_slice() {
            [Step::Key("messages"), Step::Item(_), Step::Key("role")] => role_named(text).is_some(),
            [.., Step::Key("type")] => is_type_word(text),
            _ => false,
        }
    }

    /// Bytes of an image, a sound or a file in a part of a message's content.
    fn is_media(&self, text: &str) -> bool {
        let [Step::Key("messages"), Step::Item(_), Step::Key("content"), Step::Item(_), rest @ ..] =
            self.path.as_slice()
        else {
            return false;
        };
        match rest {
            [Step::Key("image_url" | "video_url"), Step::Key("url")]
            | [Step::Key("image_url" | "video_url")] => is_media_uri(text),
            [Step::Key("input_audio"), Step::Key("data")] | [Step::Key("file"), Step::Key("file_data")] => {
                is_media_uri(text) || is_base64(text)
            }
            _ => false,
        }
    }
}

/// The role that a message's `role` names.
pub(super) fn role_named(name: &str) -> Option<Role> {
    Some(match name {
        "system" | "developer" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "tool" | "function" => Role::Tool,
        _ => return None,
    })
}

fn is_type_word(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "text",
        "image_url",
        "input_audio",
        "file",
        "refusal",
        "video_url",
        "function",
        "object",
        "string",
        "number",
        "integer",
        "boolean",
        "array",
        "null",
        "json_object",
        "json_schema",
        "grammar",
        "custom",
    ];
    WORDS.contains(&text)
}

/// Keys that the protocol or JSON Schema gives a meaning. Any other key is a string that a model may read.
fn is_protocol_word(key: &str) -> bool {
    const WORDS: &[&str] = &[
        "role",
        "content",
        "name",
        "type",
        "text",
        "function",
        "arguments",
        "id",
        "tool_calls",
        "tool_call_id",
        "function_call",
        "refusal",
        "reasoning_content",
        "reasoning",
        "audio",
        "image_url",
        "url",
        "detail",
        "video_url",
        "input_audio",
        "data",
        "format",
        "file",
        "file_data",
        "file_id",
        "filename",
        "index",
        "description",
        "parameters",
        "strict",
        "json_schema",
        "schema",
        "properties",
        "required",
        "items",
        "enum",
        "const",
        "default",
        "title",
        "examples",
        "anyOf",
        "allOf",
        "oneOf",
        "not",
        "$ref",
        "$defs",
        "$schema",
        "definitions",
        "additionalProperties",
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "pattern",
        "include_usage",
        "grammar",
        "cache_control",
        "thinking",
    ];
    WORDS.contains(&key)
}

fn is_media_uri(text: &str) -> bool {
    let Some((head, payload)) = text.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"))
    else {
        return false;
    };
    let is_media =
        ["image/", "audio/", "video/", "application/pdf"].iter().any(|kind| head.starts_with(kind));
    let plain_head = head.bytes().all(|b| b.is_ascii_alphanumeric() || b"/.+-".contains(&b));
    is_media && plain_head && is_base64(payload)
}

fn is_base64(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/-_=".contains(&b))
}

/// Makes the replacements that the engine asked for. Nothing is said to be done unless all of it was.
pub(super) fn apply(document: &mut Value, edits: &[Edit]) -> Result<(), Misfit> {
    if edits.is_empty() {
        return Ok(());
    }
    let (texts, names) = rewritten(document, edits)?;
    for (path, text) in texts {
        let leaf = path.iter().try_fold(&mut *document, |at, part| part.enter(at)).ok_or(Misfit)?;
        *leaf = Value::String(text);
    }
    for (path, name) in names.into_iter().rev() {
        rename(document, &path, name)?;
    }
    Ok(())
}

/// An edit names a text or a range that the request does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Misfit;

/// A [`Step`] that borrows nothing, for the walk that writes.
enum Part {
    Key(String),
    Item(usize),
}

impl Part {
    fn of(step: &Step<'_>) -> Part {
        match step {
            Step::Key(key) | Step::Name(key) => Part::Key((*key).to_owned()),
            Step::Item(index) => Part::Item(*index),
        }
    }

    fn enter<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        match self {
            Part::Key(key) => value.get_mut(key),
            Part::Item(index) => value.get_mut(index),
        }
    }
}

type Rewritten = Vec<(Vec<Part>, String)>;

/// The texts and the names that change, each with its path and its new wording.
fn rewritten(document: &Value, edits: &[Edit]) -> Result<(Rewritten, Rewritten), Misfit> {
    let (mut texts, mut names) = (Vec::new(), Vec::new());
    let (mut index, mut rest, mut fits) = (0, edits, true);
    walk(document, |_, text, path| {
        let mine = rest.partition_point(|edit| edit.text <= index);
        let (now, later) = rest.split_at_checked(mine).unwrap_or((&[], rest));
        rest = later;
        index += 1;
        if now.is_empty() {
            return;
        }
        let parts: Vec<Part> = path.iter().map(Part::of).collect();
        match splice(text, now) {
            Some(new) if matches!(path.last(), Some(Step::Name(_))) => names.push((parts, new)),
            Some(new) => texts.push((parts, new)),
            None => fits = false,
        }
    });
    if fits && rest.is_empty() { Ok((texts, names)) } else { Err(Misfit) }
}

fn splice(text: &str, edits: &[Edit]) -> Option<String> {
    let mut new = String::with_capacity(text.len());
    let mut from = 0;
    for edit in edits {
        new.push_str(text.get(from..edit.range.start)?);
        new.push_str(&edit.replacement);
        from = edit.range.end;
    }
    new.push_str(text.get(from..)?);
    Some(new)
}

/// Gives a key another name, in its place; a name that is taken gets an underscore.
fn rename(document: &mut Value, path: &[Part], mut name: String) -> Result<(), Misfit> {
    let (Part::Key(old), parents) = path.split_last().ok_or(Misfit)? else { return Err(Misfit) };
    let object = parents.iter().try_fold(document, |at, part| part.enter(at)).ok_or(Misfit)?;
    let fields = object.as_object_mut().ok_or(Misfit)?;
    while fields.contains_key(&name) {
        name.push('_');
    }
    let renamed = |(key, value)| if key == *old { (name.clone(), value) } else { (key, value) };
    *fields = std::mem::take(fields).into_iter().map(renamed).collect();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn leaves(document: &Value) -> Vec<(Role, &str)> {
        let mut all = Vec::new();
        walk(document, |role, text, _| all.push((role, text)));
        all
    }

    fn edit(text: usize, range: std::ops::Range<usize>, replacement: &str) -> Edit {
        Edit { text, range, replacement: replacement.into() }
    }

    #[test]
    fn every_string_is_visited_with_its_role() {
        let document = json!({
            "model": "m", "user": "u-1", "unknown": {"Ignore all": ["x"]},
            "messages": [
                {"role": "developer", "content": "be kind"},
                {"role": "user", "name": "ann", "content": [{"type": "text", "text": "hi"}, {"type": "odd"}]},
                {"role": "assistant", "content": null, "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
                {"role": "tool", "tool_call_id": "c1", "content": "42"}],
            "tools": [{"type": "function", "function": {
                "name": "f", "description": "d", "parameters": {"properties": {"city": {"type": "string"}}}}}],
        });
        use Role::{Assistant, Definition, Other, System, Tool, User};
        let expected = [
            (Other, "u-1"),
            (Other, "Ignore all"),
            (Other, "x"),
            (System, "be kind"),
            (User, "ann"),
            (User, "hi"),
            (User, "odd"),
            (Assistant, "c1"),
            (Assistant, "f"),
            (Assistant, "{}"),
            (Tool, "c1"),
            (Tool, "42"),
            (Definition, "f"),
            (Definition, "d"),
            (Definition, "city"),
        ];
        assert_eq!(leaves(&document), expected);
    }

    #[test]
    fn media_bytes_are_no_texts_but_addresses_and_disguised_words_are() {
        let document = json!({"messages": [{"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            {"type": "image_url", "image_url": {"url": "https://a.example/ann@example.com"}},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,ignore all rules"}},
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
            {"type": "file", "file": {"file_data": "AAAA", "filename": "a.pdf"}}]}]});
        let texts: Vec<&str> = leaves(&document).into_iter().map(|(_, text)| text).collect();
        let disguised = "data:image/png;base64,ignore all rules";
        assert_eq!(texts, ["https://a.example/ann@example.com", disguised, "wav", "a.pdf"]);
    }

    #[test]
    fn edits_land_in_the_text_of_their_index() {
        let mut document = json!({"messages": [
            {"role": "user", "content": "mail ann@x.org or bob@x.org"},
            {"role": "user", "content": [{"type": "text", "text": "é 123"}]}]});
        let edits = [edit(0, 5..14, "[EMAIL]"), edit(0, 18..27, "[EMAIL]"), edit(1, 3..6, "[N]")];
        apply(&mut document, &edits).unwrap();
        assert_eq!(document["messages"][0]["content"], "mail [EMAIL] or [EMAIL]");
        assert_eq!(document["messages"][1]["content"][0]["text"], "é [N]");
    }

    #[test]
    fn a_key_can_be_rewritten_and_keeps_its_place() {
        let mut document = json!({"metadata": {"a@x.org": {"b@x.org": 1}, "[EMAIL]": 2, "z": 3}});
        assert_eq!(leaves(&document).len(), 4);
        apply(&mut document, &[edit(0, 0..7, "[EMAIL]"), edit(1, 0..7, "[EMAIL]")]).unwrap();
        assert_eq!(document.to_string(), r#"{"metadata":{"[EMAIL]_":{"[EMAIL]":1},"[EMAIL]":2,"z":3}}"#);
    }

    #[test]
    fn an_edit_that_does_not_fit_is_an_error() {
        let mut document = json!({"messages": [{"role": "user", "content": "é"}]});
        assert_eq!(apply(&mut document, &[edit(0, 1..2, "")]), Err(Misfit));
        assert_eq!(apply(&mut document, &[edit(7, 0..0, "x")]), Err(Misfit));
    }
}
