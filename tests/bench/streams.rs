//! What judging an answer costs while it streams, in pieces of four bytes, beside scanning a window again at each piece.
//!
//! `cargo bench -p kt-tests --bench streams`

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use engine::input::{Channel, Request};
use engine::{Program, Session, Unit, compile};
use gateway::packs::Shelf;
use grammar::Sources;
use regex::Regex;

/// Bytes of an answer.
const LENGTH: usize = 16 << 10;
/// Bytes of a piece: about one token.
const PIECE: usize = 4;
/// Bytes that a gateway of the usual make keeps to scan again: a common choice.
const WINDOW: usize = 256;

/// Patterns of the kinds that policies look for in answers, each with a shape of its own.
const SHAPES: &[&str] = &[
    r"\b[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,6}[A-Za-z]{2,24}\b",
    r"\b\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}\b",
    r"\b\d{3}-\d{2}-\d{4}\b",
    r"\b(?:\+?1[ .-]?)?\(?\d{3}\)?[ .-]?\d{3}[ .-]?\d{4}\b",
    r"\b(?:\d{1,3}\.){3}\d{1,3}\b",
    r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}\b",
    r"\bAKIA[0-9A-Z]{16}\b",
    r"\bsk-[A-Za-z0-9]{20,48}\b",
    r"\beyJ[A-Za-z0-9_-]{10,200}\.[A-Za-z0-9_-]{10,400}\.[A-Za-z0-9_-]{10,200}\b",
    r"\bgh[pousr]_[A-Za-z0-9]{36}\b",
];

/// So many patterns: the shapes, then tokens of services that have a prefix of their own.
fn patterns(count: usize) -> Vec<String> {
    let service = |i: usize| format!(r"\bsvc{i:02}_[A-Za-z0-9]{{24}}\b");
    let shapes = SHAPES.iter().map(ToString::to_string);
    shapes.chain((0..).map(service)).take(count).collect()
}

fn program(patterns: &[String]) -> Arc<Program> {
    let mut text = String::from("policy bench\n");
    let mut names = Vec::new();
    for (i, pattern) in patterns.iter().enumerate() {
        text += &format!("pattern p{i} = /{pattern}/\n");
        names.push(format!("p{i}"));
    }
    text += &format!("rule r on response {{ when text has ({}) do redact }}\n", names.join(", "));
    let mut sources = Sources::new();
    let unit = Unit::of(sources.add("bench.ktr", text));
    let compiled = compile(&[unit], &Shelf, &mut sources);
    compiled.program.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics))
}

/// A text of the wanted length that repeats `text`.
fn long(text: &str) -> String {
    text.chars().cycle().take(LENGTH).collect()
}

fn texts() -> Vec<(&'static str, String)> {
    vec![
        (
            "prose",
            long(
                "The committee met on Tuesday to discuss the budget for the coming year, and nobody was surprised when it ran late. Some members, who had travelled far, asked for a shorter agenda; the chair agreed to 3 points. ",
            ),
        ),
        (
            "code",
            long(
                "fn main() { let mut total = 0u64; for (i, item) in items.iter().enumerate() { total += item.price * 100; } println!(\"{total}\"); }\n",
            ),
        ),
        (
            "json",
            long(
                r#"{"id": 48213, "name": "widget", "tags": ["a", "b"], "price": {"amount": 12.50, "currency": "EUR"}, "in_stock": true}, "#,
            ),
        ),
        ("dots", long("a.")),
        ("digits", long("1-")),
        ("matches", long("write to ann@example.com or call 555-123-4567, card 4111 1111 1111 1111. ")),
    ]
}

/// The engine's way: each byte once.
fn streamed(program: &Arc<Program>, text: &str) -> usize {
    let mut session = Session::new(Arc::clone(program), || 0);
    session.request(&Request::default());
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(PIECE.min(rest.len()));
        let _ = session.feed(Channel::content(0), piece, &mut out);
        rest = after;
    }
    let _ = session.finish(Channel::content(0), &mut out);
    out.len()
}

/// The usual way: a window of what came last, searched again for every pattern whenever a piece comes. It misses what
/// is longer than the window, and has sent the first half of what it finds.
fn windowed(regexes: &[Regex], text: &str) -> usize {
    let mut found = 0;
    for end in (PIECE..=text.len()).step_by(PIECE) {
        let window = &text[end.saturating_sub(WINDOW)..end];
        found += regexes.iter().filter(|regex| regex.is_match(window)).count();
    }
    found
}

fn answers(criterion: &mut Criterion) {
    for (name, text) in texts() {
        let mut group: BenchmarkGroup<'_, WallTime> = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements((text.len() / PIECE) as u64));
        group
            .sample_size(10)
            .measurement_time(Duration::from_secs(1))
            .warm_up_time(Duration::from_millis(200));
        for count in [1, 10, 100] {
            let patterns = patterns(count);
            let program = program(&patterns);
            group.bench_with_input(BenchmarkId::new("kt", count), &text, |bencher, text| {
                bencher.iter(|| black_box(streamed(&program, text)));
            });
            let regexes: Vec<Regex> = patterns
                .iter()
                .map(|p| Regex::new(&format!("(?-u){p}")).unwrap_or_else(|e| panic!("{e}")))
                .collect();
            group.bench_with_input(BenchmarkId::new("window", count), &text, |bencher, text| {
                bencher.iter(|| black_box(windowed(&regexes, text)));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, answers);
criterion_main!(benches);
