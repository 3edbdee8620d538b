//! What must hold for any bytes at all: each function panics when it does not.
//!
//! `tests/fuzzing` runs them over the suite and its mutations with every test run; the packages under `tests/fuzz` run
//! them under a fuzzer for as long as one likes.

mod chunks;
mod config;
mod document;
mod events;
mod recovery;
mod wire;

use std::sync::Arc;

use engine::input::{Channel, Request, Role, Text};
use engine::verdict::Flow;
use engine::{Options, Program, Session, Unit};
use gateway::packs::Shelf;
use grammar::fmt::Refusal;
use grammar::{Diagnostic, SourceId, Sources};

use crate::reference::Trial;

pub use chunks::chunks;
pub use config::config;
pub use document::document;
pub use events::framing;
pub use recovery::recovery;
pub use wire::assemble;

/// A property of bytes, and what it is called.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    ("parse", parse),
    ("format", format),
    ("compile", compile),
    ("evaluate", evaluate),
    ("agree", agree),
    ("assemble", assemble),
    ("config", config),
    ("document", document),
    ("framing", framing),
    ("chunks", chunks),
    ("recovery", recovery),
];

/// Any text parses or is told what is wrong with it, in places that are places of the text.
pub fn parse(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut sources = Sources::new();
    let source = sources.add("fuzzed.ktr", text.to_owned());
    let (_, errors) = grammar::parse(source, text);
    check(&errors, &sources);
}

/// What parses has a layout of the same tree, which is its own layout; what does not parse has none.
pub fn format(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let source = SourceId::default();
    let (tree, errors) = grammar::parse(source, text);
    let once = match grammar::fmt::format(source, text) {
        Ok(once) => once,
        Err(refusal) => return assert_eq!(refusal, Refusal::Mistakes(errors), "{text}"),
    };
    assert_eq!(errors, [], "what has mistakes is laid out: {text}");
    let (again, errors) = grammar::parse(source, &once);
    assert_eq!(errors, [], "{text}");
    assert_eq!(grammar::print::print(&again), grammar::print::print(&tree), "{text}");
    let twice = grammar::fmt::format(source, &once);
    assert_eq!(twice.as_deref(), Ok(once.as_str()), "{text}");
}

/// Any text compiles, or is told why not, optimised or not. All that is told, warnings too, is of places of the texts.
pub fn compile(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut sources = Sources::new();
    let unit = Unit::of(sources.add("fuzzed.ktr", text.to_owned()));
    let mut others = sources.clone();
    let compiled = engine::compile(std::slice::from_ref(&unit), &Shelf, &mut sources);
    check(&compiled.diagnostics, &sources);
    let failed = compiled.diagnostics.iter().any(Diagnostic::is_error);
    assert_eq!(
        compiled.program.is_none(),
        failed,
        "errors, and they alone, keep a text from compiling: {text}"
    );
    if let Some(program) = &compiled.program {
        check(&engine::lint::lint(&compiled.files, program, &sources), &sources);
        program.print();
    }
    let plain = engine::compile_with(&[unit], &Shelf, &mut others, Options { optimize: false });
    assert_eq!(plain.diagnostics, compiled.diagnostics, "{text}");
}

/// All that is told has places, and can be shown.
fn check(told: &[Diagnostic], sources: &Sources) {
    for diagnostic in told {
        for span in std::iter::once(&diagnostic.span).chain(diagnostic.related.iter().map(|(span, _)| span)) {
            let text = sources.get(span.source).map(|source| source.text.as_str());
            let is_place = text.is_some_and(|text| text.get(span.start..span.end).is_some());
            assert!(is_place, "{span:?} is no place of a text: {}", diagnostic.message);
        }
    }
    grammar::render::render(told, sources, false);
}

/// Whatever compiles judges: a whole answer and one in pieces of a character come to the same.
pub fn evaluate(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut sources = Sources::new();
    let unit = Unit::of(sources.add("fuzzed.ktr", text.to_owned()));
    let compiled = engine::compile(&[unit], &Shelf, &mut sources);
    grammar::render::render(&compiled.diagnostics, &sources, false);
    let Some(program) = compiled.program else { return };
    let said = said(text);
    for channel in [Channel::content(0), Channel::arguments(0, 0)] {
        let whole = exchange(&program, channel, &said, [said.as_str()]);
        let pieces = said.char_indices().filter_map(|(at, c)| said.get(at..at + c.len_utf8()));
        assert_eq!(exchange(&program, channel, &said, pieces), whole);
    }
}

/// The engine and the reference agree on the case that the bytes make.
pub fn agree(bytes: &[u8]) {
    Trial::draw(bytes).check();
}

/// A text in which the file's own patterns have a chance: what stands between its quotes, and some of its source.
/// Some of it is JSON, as long as it lasts.
fn said(text: &str) -> String {
    let words = text.split('"').skip(1).step_by(2).take(40);
    let mut said: String = words.map(|words| format!("\"{words}\" ")).collect();
    said.extend(text.chars().take(200));
    said
}

fn exchange<'a>(
    program: &Arc<Program>,
    channel: Channel,
    said: &str,
    pieces: impl IntoIterator<Item = &'a str>,
) -> (String, Flow, String) {
    let mut session = Session::new(Arc::clone(program), || 0);
    let texts = vec![Text { role: Role::User, value: said, is_json: channel.carrier.is_json() }];
    session.request(&Request { texts, model: "m", ..Request::default() });
    let mut out = String::new();
    let mut flow = Flow::Open;
    if !session.decision().verdict.stops() {
        for piece in pieces {
            if flow == Flow::Open {
                flow = session.feed(channel, piece, &mut out);
            }
        }
        if flow == Flow::Open {
            flow = session.finish(channel, &mut out);
        }
    }
    (out, flow, format!("{:?}", session.decision()))
}
