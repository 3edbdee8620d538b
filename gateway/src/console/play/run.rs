//! One run: a draft is compiled, looked at closely, and judges what it is given.

use engine::verdict::{Finding, Site};
use engine::{Compiled, Library, Unit};
use grammar::yaml;
use grammar::{Diagnostic, SourceId, Sources};
use serde_json::{Map, Value, json};

use crate::console::offsets::utf16;
use crate::packs::{self, Pack, Shelf, warnings};
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
    file: String,
    rules: String,
    /// YAML, as under `policy.<name>`.
    arguments: Option<String>,
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

    /// Compiles the rules, and judges what is said by them when they compile.
    pub(super) fn play(self, pack: &Pack) -> Value {
        let books = Books { sources: &pack.sources };
        let mut sources = Sources::new();
        let source = sources.add(self.file.as_str(), self.rules.as_str());
        let mut unit = Unit::of(source);
        let mut diagnostics = warnings::of_rule_file(source, &self.rules, &books, &mut sources).diagnostics;
        if let Some(arguments) = &self.arguments {
            let written = sources.add("arguments", arguments.as_str());
            match yaml::parse(written, arguments) {
                Ok(node) => unit.arguments = Some(node),
                Err(found) => diagnostics.extend(found),
            }
        }
        let is_library = packs::header(&self.rules).is_some_and(|(is_library, _)| is_library);
        let is_bad = |diagnostics: &[Diagnostic]| diagnostics.iter().any(Diagnostic::is_error);
        let mut judged = Value::Null;
        if !is_library && !is_bad(&diagnostics) {
            let Compiled { program, diagnostics: found, .. } = engine::compile(&[unit], &books, &mut sources);
            diagnostics.extend(found.into_iter().filter(Diagnostic::is_error));
            let texts = Sources::clone(&sources);
            if let Some(program) = program.filter(|_| !is_bad(&diagnostics)) {
                let trial = Pack { program, config: pack.config.clone(), files: Vec::new(), sources: texts };
                judged = self.judged(&trial);
            }
        }
        grammar::diagnostic::sort(&mut diagnostics);
        let told: Vec<Value> = diagnostics
            .iter()
            .take(MOST_TOLD)
            .map(|found| self.diagnostic(found, source, &sources))
            .collect();
        json!({"compiles": !is_bad(&diagnostics), "library": is_library, "diagnostics": told, "judged": judged})
    }

    /// What came of the texts; nothing when there are none.
    fn judged(&self, pack: &Pack) -> Value {
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
        let mut told = account::object(&played, &pack.sources);
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
    fn diagnostic(&self, found: &Diagnostic, source: SourceId, sources: &Sources) -> Value {
        let mut told = packs::as_json(found, sources);
        let is_here = found.span.source == source;
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

/// What a draft may use: the shipped libraries, and files that are in force already. Nothing is read for it.
struct Books<'p> {
    sources: &'p Sources,
}

impl Library for Books<'_> {
    fn library(&self, name: &str) -> Option<(String, String)> {
        Shelf.library(name)
    }

    fn names(&self) -> Vec<String> {
        Shelf.names()
    }

    fn file(&self, from: &str, path: &str) -> Result<(String, String), String> {
        let name = packs::beside(std::path::Path::new(from), path).display().to_string();
        let known = self.sources.iter().find(|(_, source)| source.library && source.name == name);
        known.map(|(_, source)| (name, source.text.clone())).ok_or_else(|| {
            format!("the playground reads no files, and `{path}` is not in force; it can use the shipped libraries")
        })
    }
}
