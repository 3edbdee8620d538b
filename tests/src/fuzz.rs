//! What must hold for any bytes at all: each function panics when it does not.
//!
//! `tests/fuzzing` runs them over the suite and its mutations with every test run; the packages under `tests/fuzz` run
//! them under a fuzzer for as long as one likes.

use std::sync::Arc;

use engine::input::{Channel, Request, Role, Text};
use engine::verdict::Flow;
use engine::{Program, Session, Unit, compile};
use gateway::packs::Shelf;
use grammar::Sources;

use crate::reference::Trial;

/// A property of bytes, and what it is called.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[("parse", parse), ("evaluate", evaluate), ("agree", agree)];

/// Any text parses or is told what is wrong with it, in places that are places of the text; what parses without errors
/// prints to a text of the same tree.
pub fn parse(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut sources = Sources::new();
    let source = sources.add("fuzzed.ktr", text.to_owned());
    let (_, errors) = grammar::parse(source, text);
    for error in &errors {
        let place = error.span.start..error.span.end;
        assert!(text.get(place.clone()).is_some(), "{place:?} is no place of the text: {}", error.message);
    }
    grammar::render::render(&errors, &sources, false);
}

/// Whatever compiles judges: a whole answer and one in pieces of a character come to the same.
pub fn evaluate(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut sources = Sources::new();
    let unit = Unit::of(sources.add("fuzzed.ktr", text.to_owned()));
    let compiled = compile(&[unit], &Shelf, &mut sources);
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
