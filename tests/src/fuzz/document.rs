//! Documents of clients: what is let through has one meaning, and is rewritten where it was read.

use engine::verdict::Edit;
use gateway::wire::{Endpoint, json};
use serde_json::Value;

/// Whatever is read, a reader that takes all of JSON reads the same; what is written again is read again as it was; and what
/// was replaced stands where it was found.
pub fn document(bytes: &[u8]) {
    let reference = serde_json::from_slice::<Value>(bytes);
    let value = match json::parse(bytes) {
        Ok(value) => value,
        Err(flaw) => {
            let known = [
                "repeated",
                "64 levels",
                "object at its root",
                "byte order mark",
                "reserved",
                "UTF-8",
                "control character",
            ];
            let has_reason = known.iter().any(|word| flaw.to_string().contains(word));
            assert!(reference.is_err() || has_reason, "{flaw}: {}", String::from_utf8_lossy(bytes));
            return;
        }
    };
    assert_eq!(Some(&value), reference.as_ref().ok(), "{}", String::from_utf8_lossy(bytes));
    let written = value.to_string();
    assert_eq!(json::parse(written.as_bytes()).as_ref(), Ok(&value), "{written}");
    for endpoint in Endpoint::ALL {
        rewritten(endpoint, &value);
    }
}

/// What a text is replaced with: no word of the protocol.
const MARKER: &str = "[X]";

fn rewritten(endpoint: Endpoint, document: &Value) {
    let Ok(request) = endpoint.decode(document, Vec::new()) else { return };
    let texts: Vec<String> = request.texts.iter().map(|text| text.value.to_owned()).collect();
    // Every other text, so that those in between are seen to stay as they are.
    let edit = |(at, text): (usize, &String)| {
        at.is_multiple_of(2).then(|| Edit { text: at, range: 0..text.len(), replacement: MARKER.into() })
    };
    let edits: Vec<Edit> = texts.iter().enumerate().filter_map(edit).collect();
    let mut changed = document.clone();
    let done = endpoint.redact(&mut changed, &edits);
    assert!(done.is_ok(), "{endpoint:?}: {done:?} of {document}");
    // What stands under a name of the protocol may be no text; so texts are compared where all names are as they were.
    let (mut before, mut after) = (Vec::new(), Vec::new());
    names(document, &mut before);
    names(&changed, &mut after);
    if before != after {
        return assert_eq!(before.len(), after.len(), "{endpoint:?}: {changed}");
    }
    let again = endpoint.decode(&changed, Vec::new()).expect("a request that was one before");
    assert_eq!(again.texts.len(), texts.len(), "{endpoint:?}: {changed}");
    for (at, (before, after)) in texts.iter().zip(&again.texts).enumerate() {
        let wanted = if at % 2 == 0 { MARKER } else { before };
        assert_eq!(after.value, wanted, "{endpoint:?}: text {at} of {changed}");
    }
}

/// The names of all fields.
fn names<'v>(value: &'v Value, all: &mut Vec<&'v str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| names(item, all)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            all.push(name);
            names(value, all);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
