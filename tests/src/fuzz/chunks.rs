//! Chunks of an answer: what leaves is the redaction of the whole text by a plain regex engine, however the text was cut, and
//! nothing leaves before its fate is certain.

use std::sync::{Arc, LazyLock};

use engine::input::{Channel, Request};
use engine::verdict::Flow;
use engine::{Program, Session};

use crate::oracle::{Oracle, SETS, program};

static PROGRAMS: LazyLock<Vec<(Arc<Program>, Oracle)>> =
    LazyLock::new(|| SETS.iter().map(|(patterns, _)| (program(patterns), Oracle::new(patterns))).collect());

/// The first byte chooses the patterns; of each other byte the low bits are a letter of their alphabet or another, and the
/// highest bit is a cut. Other letters are ASCII: the engine would fold any others, and the oracle does not.
pub fn chunks(bytes: &[u8]) {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let set = usize::from(*first) % SETS.len();
    let (Some((program, oracle)), Some((_, alphabet))) = (PROGRAMS.get(set), SETS.get(set)) else { return };
    let letters: Vec<char> = alphabet.chars().chain(['\n', 'Z', '0', '-']).collect();
    let (mut text, mut pieces) = (String::new(), vec![String::new()]);
    for byte in bytes.iter().take(4000) {
        let letter = letters[usize::from(byte & 0x7F) % letters.len()];
        text.push(letter);
        if byte & 0x80 != 0 {
            pieces.push(String::new());
        }
        pieces.last_mut().expect("a piece").push(letter);
    }
    let wanted = oracle.redact(&text);
    let mut session = Session::new(Arc::clone(program), || 0);
    session.request(&Request::default());
    let mut out = String::new();
    for piece in &pieces {
        assert_eq!(session.feed(Channel::content(0), piece, &mut out), Flow::Open);
        assert!(wanted.starts_with(&out), "{out:?} left, and {wanted:?} is what may: {pieces:?}");
    }
    assert_eq!(session.finish(Channel::content(0), &mut out), Flow::Open);
    assert_eq!(out, wanted, "{pieces:?}");
}
