//! Measures the engine: what compiling takes, and what a request of 4 KB takes with the optimiser off and on.
//!
//! `cargo run --release -p kt-engine --example scan`

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement prints, and stops when it cannot"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::input::{Request, Role, Text};
use engine::{Library, Options, Program, Session, Unit, compile_with};
use grammar::Sources;

const POLICIES: &[&str] = &["pii-detector", "prompt-injection", "safety-filter", "audit-logger"];
const LENGTH: usize = 4096;

/// The libraries of `policies/std`.
struct Shelf;

impl Library for Shelf {
    fn library(&self, name: &str) -> Option<(String, String)> {
        Some((name.to_owned(), policy(&name.replace('.', "/"))))
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    fn file(&self, _: &str, path: &str) -> Result<(String, String), String> {
        Err(format!("no file `{path}` here"))
    }
}

fn policy(name: &str) -> String {
    std::fs::read_to_string(format!("{}/../policies/{name}.ktr", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn program(texts: &[(String, String)], optimize: bool) -> Arc<Program> {
    let mut sources = Sources::new();
    let units: Vec<Unit> =
        texts.iter().map(|(name, text)| Unit::of(sources.add(name.as_str(), text.as_str()))).collect();
    let compiled = compile_with(&units, &Shelf, &mut sources, Options { optimize });
    let told = grammar::render::render(&compiled.diagnostics, &sources, false);
    compiled.program.unwrap_or_else(|| panic!("{told}"))
}

/// The shortest of several runs.
fn least(runs: usize, mut run: impl FnMut()) -> Duration {
    let timed = |_| {
        let begun = Instant::now();
        run();
        begun.elapsed()
    };
    (0..runs).map(timed).min().unwrap_or_default()
}

fn judge(program: &Arc<Program>, text: &str) -> Duration {
    least(60, || {
        let mut session = Session::new(Arc::clone(program), || 0);
        let texts = vec![Text::plain(Role::User, text)];
        let request = Request { model: "m", texts, ..Request::default() };
        std::hint::black_box(session.request(&request));
    })
}

fn filled(part: &str) -> String {
    let mut text = part.repeat(LENGTH / part.len() + 1);
    let end = (0..=LENGTH).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.truncate(end);
    text
}

/// Three hundred rules about scalars, of which two hold.
fn scalars() -> String {
    let rule = |i: usize| match i % 3 {
        0 => format!("rule r{i} on request {{ when model == \"m{i}\" do flag }}\n"),
        1 => format!("rule r{i} on request {{ when (max_tokens ?? 0) >= {} do flag }}\n", 1000 + i),
        _ => format!(
            "rule r{i} on request {{ when (header(\"x-team\") ?? \"\") in [\"t{i}\", \"u{i}\"] do flag }}\n"
        ),
    };
    let rules: String = (0..300).map(rule).collect();
    format!("policy scalars\n{rules}")
}

/// Five hundred rules with a pattern each.
fn many() -> String {
    let rule = |i: usize| {
        format!(
            "pattern p{i} = /\\bword{i}[ -]?code \\d{{4,8}}\\b/i\nrule r{i} on request {{ when text has p{i} do flag }}\n"
        )
    };
    let rules: String = (0..500).map(rule).collect();
    format!("policy many\n{rules}")
}

fn main() {
    let chain: Vec<(String, String)> =
        POLICIES.iter().map(|name| ((*name).to_owned(), policy(name))).collect();
    for unit in &chain {
        let took = least(3, || drop(program(std::slice::from_ref(unit), true)));
        println!("compile {:<18} {:>8.1} ms", unit.0, took.as_secs_f64() * 1e3);
    }
    let many = [("many".to_owned(), many())];
    println!(
        "compile 500 rules          {:>8.1} ms",
        least(2, || drop(program(&many, true))).as_secs_f64() * 1e3
    );

    let clean = filled(
        "The committee met on Tuesday to discuss the new library building. Most members liked the plans, though \
         some asked for larger windows on the south side. A second meeting is to follow in spring. ",
    );
    let cases = [
        ("clean prose", clean.clone()),
        ("code", filled("fn main() { let total = items.iter().map(|i| i.price * 12).sum::<u64>(); }\n")),
        ("digits", filled("4111 1111 1111 111 12-34 ")),
        ("near misses", filled("ignore all the previous AKIA0123456789 user@exa. password secret bomb ")),
        ("atoms alone", filled("@ignoreAKIAbombsystempassword")),
        ("greek", filled("ὁ βίος βραχύς, ἡ δὲ τέχνη μακρή, ")),
    ];
    let (plain, fast) = (program(&chain, false), program(&chain, true));
    for pattern in fast.stats().patterns.iter().filter(|pattern| pattern.tier == "always-on") {
        println!("always on: {} ({})", pattern.name, pattern.view);
    }
    println!("{:<14} {:>10} {:>10} {:>7}   default chain, 4 KB, µs", "text", "plain", "optimised", "ratio");
    for (name, text) in &cases {
        let (before, after) = (judge(&plain, text), judge(&fast, text));
        let ratio = before.as_secs_f64() / after.as_secs_f64();
        println!(
            "{name:<14} {:>10.1} {:>10.1} {ratio:>7.1}",
            before.as_secs_f64() * 1e6,
            after.as_secs_f64() * 1e6
        );
    }
    let scalars = [("scalars".to_owned(), scalars())];
    let (plain, fast) = (program(&scalars, false), program(&scalars, true));
    let (before, after) = (judge(&plain, "x"), judge(&fast, "x"));
    let ratio = before.as_secs_f64() / after.as_secs_f64();
    println!(
        "{:<14} {:>10.1} {:>10.1} {ratio:>7.1}",
        "300 scalars",
        before.as_secs_f64() * 1e6,
        after.as_secs_f64() * 1e6
    );
}
