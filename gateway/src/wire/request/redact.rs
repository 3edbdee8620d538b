//! Makes the engine's replacements in a request, by the same walk that read it.

use engine::verdict::Edit;
use serde_json::Value;

use super::walk::{Step, walk};
use crate::wire::Endpoint;

/// Makes the replacements that the engine asked for. Nothing is said to be done unless all of it was.
pub(super) fn redact(endpoint: Endpoint, document: &mut Value, edits: &[Edit]) -> Result<(), Misfit> {
    if edits.is_empty() {
        return Ok(());
    }
    let (texts, names) = rewritten(endpoint, document, edits)?;
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
fn rewritten(endpoint: Endpoint, document: &Value, edits: &[Edit]) -> Result<(Rewritten, Rewritten), Misfit> {
    let (mut texts, mut names) = (Vec::new(), Vec::new());
    let (mut index, mut rest, mut fits) = (0, edits, true);
    walk(endpoint, document, |_, text, path| {
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

    fn edit(text: usize, range: std::ops::Range<usize>, replacement: &str) -> Edit {
        Edit { text, range, replacement: replacement.into() }
    }

    #[test]
    fn edits_land_in_the_text_of_their_index() {
        let mut document = json!({"messages": [
            {"role": "user", "content": "mail ann@x.org or bob@x.org"},
            {"role": "user", "content": [{"type": "text", "text": "é 123"}]}]});
        let edits = [edit(0, 5..14, "[EMAIL]"), edit(0, 18..27, "[EMAIL]"), edit(1, 3..6, "[N]")];
        redact(Endpoint::Chat, &mut document, &edits).unwrap();
        assert_eq!(document["messages"][0]["content"], "mail [EMAIL] or [EMAIL]");
        assert_eq!(document["messages"][1]["content"][0]["text"], "é [N]");
    }

    #[test]
    fn a_key_can_be_rewritten_and_keeps_its_place() {
        let mut document = json!({"metadata": {"a@x.org": {"b@x.org": 1}, "[EMAIL]": 2, "z": 3}});
        redact(Endpoint::Chat, &mut document, &[edit(0, 0..7, "[EMAIL]"), edit(1, 0..7, "[EMAIL]")]).unwrap();
        assert_eq!(document.to_string(), r#"{"metadata":{"[EMAIL]_":{"[EMAIL]":1},"[EMAIL]":2,"z":3}}"#);
    }

    #[test]
    fn the_name_of_an_unknown_field_can_be_rewritten() {
        let mut document = json!({"model": "m", "a@x.org": 1, "messages": []});
        redact(Endpoint::Chat, &mut document, &[edit(0, 0..7, "[EMAIL]")]).unwrap();
        assert_eq!(document.to_string(), r#"{"model":"m","[EMAIL]":1,"messages":[]}"#);
    }

    #[test]
    fn an_edit_that_does_not_fit_is_an_error() {
        let mut document = json!({"messages": [{"role": "user", "content": "é"}]});
        assert_eq!(redact(Endpoint::Chat, &mut document, &[edit(0, 1..2, "")]), Err(Misfit));
        assert_eq!(redact(Endpoint::Chat, &mut document, &[edit(7, 0..0, "x")]), Err(Misfit));
    }
}
