//! What was measured, as a table and as one object.

use engine::program::stats::Stats;
use engine::verdict::Decision;
use serde_json::{Value, json};

use super::clock::Figures;
use super::figures::{Measured, RequestRow, StreamRow};
use super::workload::PIECE;

/// How this program was built.
pub(super) const BUILD: &str = if cfg!(debug_assertions) { "debug" } else { "release" };

/// What to think of the figures of this build, if anything.
pub(super) const CAUTION: Option<&str> = if cfg!(debug_assertions) {
    Some(
        "this is a debug build: its figures are not representative; measure with one of `cargo build --release`",
    )
} else {
    None
};

/// The table, line by line.
pub(super) fn lines(measured: &Measured, stats: &Stats) -> Vec<String> {
    let mut lines = vec![
        format!("kt {}, {BUILD} build", env!("CARGO_PKG_VERSION")),
        heading("compile", "", ["median", "min", "max", "", ""]),
        line(
            &format!("{}, {}", counted(stats.patterns.len(), "pattern"), counted(stats.rules.len(), "rule")),
            "",
            times(measured.compile),
            ["", ""],
        ),
        String::new(),
        heading("request", "", ["median", "min", "max", "MB/s", ""]),
    ];
    for row in &measured.requests {
        let speed = speed(row.bytes, row.requests, row.figures);
        let size = size(row.size, row.bytes, row.requests);
        lines.push(line(row.title, &size, times(row.figures), [&speed, ""]));
    }
    if !measured.streams.is_empty() {
        lines.push(String::new());
        lines.push(heading(
            &format!("answer, by pieces of {PIECE} bytes"),
            "",
            ["median", "min", "max", "MB/s", "held"],
        ));
    }
    for row in &measured.streams {
        let speed = speed(row.bytes, row.pieces, row.figures);
        let held = format!("{} B", row.held.as_ref().map_or(0, |held| held.bytes));
        let size = size(row.size, row.bytes, 1);
        lines.push(line(row.title, &size, times(row.figures), [&speed, &held]));
    }
    rules(measured, &mut lines);
    lines
}

fn rules(measured: &Measured, lines: &mut Vec<String>) {
    let cell = |nanos: Option<f64>| nanos.map_or("-".to_owned(), time);
    let row = |name: &str, request: Option<f64>, piece: Option<f64>| {
        format!("  {name:<42}{:>11}{:>11}", cell(request), cell(piece))
    };
    if measured.alone.rules.is_empty() {
        return;
    }
    lines.push(String::new());
    lines.push(format!("{:<44}{:>11}{:>11}", "rule alone", "request", "piece"));
    for rule in &measured.alone.rules {
        lines.push(row(&rule.name, rule.request, rule.piece));
    }
    let (request, piece) = measured.alone.floor;
    lines.push(row("no rule at all", Some(request), Some(piece)));
}

/// What a reader should know of the figures.
pub(super) fn notes(measured: &Measured) -> Vec<String> {
    let mut notes: Vec<String> = CAUTION.map(str::to_owned).into_iter().collect();
    let told = |what: &str, title: &str, decision: &Decision| {
        let by = decision.rule.as_deref().or(decision.policy.as_deref()).unwrap_or("the engine");
        format!(
            "{what} `{title}` is stopped by `{by}`: what would have come after that is not in its figures"
        )
    };
    let mut stops: Vec<String> = Vec::new();
    for row in &measured.requests {
        stops.extend(row.stopped.as_ref().map(|decision| told("request", row.title, decision)));
    }
    for row in &measured.streams {
        stops.extend(row.stopped.as_ref().map(|decision| told("answer", row.title, decision)));
    }
    stops.dedup();
    notes.extend(stops);
    match measured.off.as_slice() {
        [] => {}
        [one] => notes.push(format!("`{one}` is switched off by its params, and costs nothing")),
        all => notes.push(format!("{} rules are switched off by their params, and cost nothing", all.len())),
    }
    if let [first, ..] = measured.alone.unmeasured.as_slice() {
        let count = counted(measured.alone.unmeasured.len(), "rule");
        notes.push(format!("no time was left for {count}, from `{first}` on; give more `--seconds`"));
    }
    notes
}

/// One object.
pub(super) fn json(measured: &Measured, stats: &Stats) -> Value {
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "build": BUILD,
        "representative": CAUTION.is_none(),
        "compile": {"patterns": stats.patterns.len(), "rules": stats.rules.len(), "ns": object(measured.compile)},
        "requests": measured.requests.iter().map(request).collect::<Vec<_>>(),
        "streams": measured.streams.iter().map(stream).collect::<Vec<_>>(),
        "rules": measured.alone.rules.iter().map(|rule| json!({
            "rule": rule.name,
            "ns_per_request": rule.request.map(rounded),
            "ns_per_piece": rule.piece.map(rounded),
        })).collect::<Vec<_>>(),
        "no_rule": {
            "ns_per_request": rounded(measured.alone.floor.0),
            "ns_per_piece": rounded(measured.alone.floor.1),
        },
        "off": measured.off,
        "unmeasured": measured.alone.unmeasured,
    })
}

fn request(row: &RequestRow) -> Value {
    json!({
        "text": row.title,
        "requests": row.requests,
        "bytes": row.bytes,
        "ns_per_request": object(row.figures),
        "mb_per_s": rounded(mb_per_s(row.bytes, row.requests, row.figures)),
        "stopped_by": row.stopped.as_ref().and_then(|decision| decision.rule.as_deref()),
    })
}

fn stream(row: &StreamRow) -> Value {
    json!({
        "text": row.title,
        "bytes": row.bytes,
        "pieces": row.pieces,
        "ns_per_piece": object(row.figures),
        "mb_per_s": rounded(mb_per_s(row.bytes, row.pieces, row.figures)),
        "held_bytes": row.held.as_ref().map_or(0, |held| held.bytes),
        "held_by": row.held.as_ref().and_then(|held| held.by.as_deref()),
        "stopped_by": row.stopped.as_ref().and_then(|decision| decision.rule.as_deref()),
    })
}

fn object(figures: Figures) -> Value {
    json!({
        "median": rounded(figures.median),
        "min": rounded(figures.least),
        "max": rounded(figures.most),
    })
}

fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// So many of something.
fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn heading(title: &str, size: &str, columns: [&str; 5]) -> String {
    let [median, least, most, speed, held] = columns;
    let line = format!("{title:<34}{size:>8}{median:>11}{least:>11}{most:>11}{speed:>9}{held:>9}");
    line.trim_end().to_owned()
}

fn line(title: &str, size: &str, times: [String; 3], more: [&str; 2]) -> String {
    let [median, least, most] = times;
    heading(&format!("  {title}"), size, [&median, &least, &most, more[0], more[1]])
}

fn times(figures: Figures) -> [String; 3] {
    [time(figures.median), time(figures.least), time(figures.most)]
}

/// A time in three digits or a few more.
fn time(nanos: f64) -> String {
    match nanos {
        nanos if nanos < 1e4 => format!("{nanos:.0} ns"),
        nanos if nanos < 1e6 => format!("{:.1} µs", nanos / 1e3),
        nanos => format!("{:.1} ms", nanos / 1e6),
    }
}

/// The size that was wanted, or else the mean one.
fn size(wanted: Option<usize>, bytes: usize, parts: usize) -> String {
    let bytes = wanted.unwrap_or(bytes / parts.max(1));
    if bytes >= 1024 { format!("{} KiB", bytes / 1024) } else { format!("{bytes} B") }
}

fn speed(bytes: usize, parts: usize, figures: Figures) -> String {
    format!("{:.1}", mb_per_s(bytes, parts, figures))
}

/// Millions of bytes that are judged in a second: bytes in a nanosecond, times a thousand.
#[expect(clippy::cast_precision_loss, reason = "there are never so many bytes that it matters")]
fn mb_per_s(bytes: usize, parts: usize, figures: Figures) -> f64 {
    bytes as f64 / parts.max(1) as f64 / figures.median.max(f64::MIN_POSITIVE) * 1e3
}
