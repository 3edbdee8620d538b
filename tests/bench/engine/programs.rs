//! The programs that are measured: the chain that the quick start runs, and any number of rules of the usual kinds.

use std::fmt::Write as _;
use std::sync::Arc;

use engine::input::Request;
use engine::{Program, Unit, compile};
use gateway::packs::{self, Shelf};
use grammar::Sources;

/// The chain of the quick start: prompt-injection, pii-detector, safety-filter, audit-logger.
pub fn default_chain() -> Arc<Program> {
    let loaded = packs::quickstart();
    let pack = loaded.pack.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
    Arc::clone(&pack.program)
}

/// The program of a rule file.
pub fn program(text: &str) -> Arc<Program> {
    let mut sources = Sources::new();
    let unit = Unit::of(sources.add("bench.ktr", text.to_owned()));
    let compiled = compile(&[unit], &Shelf, &mut sources);
    compiled.program.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics))
}

/// Words that patterns are made of: some that every text has, and some that few have.
const WORDS: [&str; 8] = ["server", "account", "vector", "quartz", "letter", "zephyr", "report", "matrix"];

/// So many rules over requests and answers, each with a pattern of its own, of five kinds: a token of a service, a phrase,
/// a setting, an order, a number with a form.
pub fn rules(count: usize) -> String {
    let mut text = String::from("policy bench\n");
    for i in 0..count {
        let word = WORDS[i / 5 % WORDS.len()];
        let (pattern, action) = match i % 5 {
            0 => (format!(r"/\bsvc{i}_[A-Za-z0-9]{{24}}\b/"), "redact"),
            1 => (format!("\"{word} project {i}\""), "flag"),
            2 => (format!(r"/\b{word}{i}[- ]?key\s*[:=]\s*\S{{8,40}}/i"), "block"),
            3 => (
                format!(r"/\b(?:reveal|show|print) (?:me )?(?:the )?{word} {i} (?:password|secret)\b/i"),
                "block",
            ),
            _ => (format!(r"/\b[A-Z]{{2}}{i}-\d{{4}}-\d{{4}}\b/"), "redact"),
        };
        let _ = writeln!(text, "rule r{i} on request, response {{ when text has {pattern} do {action} }}");
    }
    text
}

/// So many rules over plain values, of six shapes; for [`scalar_request`] those numbered 5 and 11 hold.
pub fn scalar_rules(count: usize) -> String {
    let mut text = String::from("policy bench\n");
    for i in 0..count {
        let condition = match i % 6 {
            0 => format!("model == \"model-{i}\""),
            1 => format!("(max_tokens ?? 0) > {}", 5000 + i),
            2 => format!("(user.id ?? \"\") in [\"user-{i}\", \"user-{}\", \"user-{}\"]", i + 1000, i + 2000),
            3 => format!("(header(\"x-path\") ?? \"\") starts with \"/v{i}/\""),
            4 => format!("stream and (header(\"x-team\") ?? \"\") == \"team-{i}\""),
            _ => format!("tokens.prompt >= {}", if i < 12 { 10 } else { 1000 + i }),
        };
        let _ = writeln!(text, "rule r{i} on request {{ when {condition} do flag }}");
    }
    text
}

/// A request of ten fields.
pub fn scalar_request() -> Request<'static> {
    Request {
        model: "gpt-4o",
        stream: false,
        max_tokens: Some(256),
        user_id: Some("user-7"),
        key_name: Some("web"),
        headers: vec![("x-team", "search"), ("x-path", "/chat/completions"), ("x-region", "eu")],
        now: 1_700_000_000,
        prompt_tokens: 40,
        ..Request::default()
    }
}
