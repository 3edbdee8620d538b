//! One run: a draft is compiled, looked at closely, and judges what it is given.

use std::sync::Arc;

use engine::verdict::{Finding, Site};
use grammar::{Diagnostic, Sources};
use serde_json::{Map, Value, json};

use super::made::Made;
use crate::console::offsets::utf16;
use crate::packs::{self, Pack};
use crate::rehearsal::exchange::Exchange;
use crate::rehearsal::{account, played};
use crate::wire::Fault;

/// Most bytes of each field.
const FIELDS: [(&str, usize); 5] = [
    ("file", 256),
    ("rules", 128 * 1024),
    ("arguments", 16 * 1024),
    ("text", 32 * 1024),
    ("answer", 32 * 1024),
];

/// Most findings and diagnostics that are told.
const MOST_TOLD: usize = 500;

/// What is typed.
pub(super) struct Draft {
    /// What the rule file is called.
    pub(super) file: String,
    pub(super) rules: String,
    /// YAML, as under `policy.<name>`.
    pub(super) arguments: Option<String>,
    /// What the user says.
    text: Option<String>,
    /// What is answered.
    answer: Option<String>,
}

impl Draft {
    /// Reads the fields of a request.
    pub(super) fn read(sent: Value) -> Result<Self, Fault> {
        let Value::Object(mut fields) = sent else {
            return Err(Fault::invalid(None, "the body must be a JSON object"));
        };
        if let Some(name) = fields.keys().find(|name| !FIELDS.iter().any(|(known, _)| known == name)) {
            let known: Vec<&str> = FIELDS.iter().map(|(known, _)| *known).collect();
            return Err(Fault::invalid(
                Some(name),
                format!("there is no such field; there are {}", known.join(", ")),
            ));
        }
        let mut text = |name: &str, most: usize| match fields.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.len() <= most => Ok(Some(text)),
            Some(Value::String(_)) => {
                Err(Fault::invalid(Some(name), format!("it has more than {most} bytes")))
            }
            Some(_) => Err(Fault::invalid(Some(name), "it must be a string")),
        };
        let [file, rules, arguments, said, answer] = FIELDS.map(|(name, most)| text(name, most));
        let not_blank = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        Ok(Self {
            file: file?.unwrap_or_else(|| "draft.ktr".into()),
            rules: rules?
                .ok_or_else(|| Fault::invalid(Some("rules"), "it is missing: the rule file to try"))?,
            arguments: not_blank(arguments?),
            text: not_blank(said?),
            answer: not_blank(answer?),
        })
    }

    /// Judges what is said by the rules as they compile. `made` is what the draft before was, and becomes what this one is.
    pub(super) fn play(&self, pack: &Pack, made: &mut Option<Made>) -> Value {
        let made = match made.take().filter(|made| made.is_of(self, pack)) {
            Some(same) => made.insert(same),
            None => made.insert(Made::of(self, pack)),
        };
        let judged = made.program.as_ref().map_or(Value::Null, |program| {
            let (program, config) = (Arc::clone(program), pack.config.clone());
            let trial = Pack::of(program, config);
            self.judged(&trial, &made.sources)
        });
        let told: Vec<Value> =
            made.diagnostics.iter().take(MOST_TOLD).map(|found| self.diagnostic(found, made)).collect();
        json!({
            "compiles": !made.diagnostics.iter().any(Diagnostic::is_error),
            "library": made.is_library,
            "diagnostics": told,
            "judged": judged,
        })
    }

    /// What came of the texts; nothing when there are none.
    fn judged(&self, pack: &Pack, sources: &Sources) -> Value {
        let said = [("text", &self.text), ("response", &self.answer)];
        let fields: Map<String, Value> = said
            .into_iter()
            .filter_map(|(name, text)| Some((name.to_owned(), Value::from(text.as_deref()?))))
            .collect();
        if fields.is_empty() {
            return Value::Null;
        }
        let played = match Exchange::read(fields).and_then(|exchange| played::play(exchange, pack)) {
            Ok(played) => played,
            Err(sentence) => return json!({"error": sentence}),
        };
        let mut told = account::object(&played, sources);
        let findings = played.findings();
        if let Value::Object(fields) = &mut told {
            let found = findings.iter().take(MOST_TOLD).filter_map(|found| self.finding(found));
            fields.insert("findings".into(), found.collect());
            fields.insert("findings_left_out".into(), findings.len().saturating_sub(MOST_TOLD).into());
        }
        told
    }

    /// A finding with its place as the page counts it.
    fn finding(&self, finding: &Finding) -> Option<Value> {
        let (name, text) = match finding.site {
            Site::Request(_) => ("text", self.text.as_deref()?),
            Site::Response(_) => ("answer", self.answer.as_deref()?),
        };
        Some(json!({
            "policy": &*finding.policy,
            "rule": &*finding.rule,
            "label": &*finding.label,
            "in": name,
            "start": utf16(text, finding.range.start),
            "end": utf16(text, finding.range.end),
        }))
    }

    /// A diagnostic as programs read it, with its place in the draft as the page counts it.
    fn diagnostic(&self, found: &Diagnostic, made: &Made) -> Value {
        let sources = &made.sources;
        let mut told = packs::as_json(found, sources);
        let is_here = found.span.source == made.source;
        let range = is_here.then(|| [found.span.start, found.span.end].map(|byte| utf16(&self.rules, byte)));
        let related = found.related.iter().map(|(span, words)| {
            let place = sources.place(*span);
            json!({"file": place.file, "line": place.line, "column": place.column, "words": words})
        });
        if let Value::Object(fields) = &mut told {
            fields.insert("severity".into(), if found.is_error() { "error" } else { "warning" }.into());
            fields.insert("label".into(), json!(found.label));
            fields.insert("range".into(), json!(range));
            fields.insert("related".into(), related.collect());
        }
        told
    }
}
