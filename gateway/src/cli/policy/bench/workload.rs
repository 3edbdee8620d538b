//! What is judged while the clock runs: texts of four kinds in several sizes, or a person's own.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use engine::Program;
use engine::input::Channel;
use serde_json::{Map, Value, json};

use crate::cli::policy::lines::Lines;
use crate::rehearsal::exchange::Exchange;

/// Ordinary texts of each kind, which are repeated up to the size that is wanted.
const KINDS: [(&str, &str); 4] = [
    ("prose", include_str!("corpus/prose.txt")),
    ("code", include_str!("corpus/code.txt")),
    ("json", include_str!("corpus/json.txt")),
    ("multilingual", include_str!("corpus/multilingual.txt")),
];

/// Sizes of prompts.
const PROMPTS: [usize; 3] = [200, 4 << 10, 64 << 10];

/// The size of an answer, and of what rules are measured on.
const ANSWER: usize = 16 << 10;
const OF_RULES: usize = 4 << 10;

/// The most lines of an input that are taken.
const MOST: usize = 1000;

/// Some exchanges that are measured together.
pub(super) struct Workload {
    pub(super) title: &'static str,
    pub(super) exchanges: Vec<Exchange>,
    /// The size that was wanted; nothing of a person's own texts.
    pub(super) size: Option<usize>,
}

/// All that is measured.
pub(super) struct Workloads {
    pub(super) requests: Vec<Workload>,
    pub(super) streams: Vec<Workload>,
    /// On which the parts of single rules are measured: a request, and an answer.
    pub(super) of_rules: Workload,
}

impl Workloads {
    /// Ordinary texts, and one that a program's scanner is made for to stop at.
    pub(super) fn ordinary(program: &Program) -> Result<Self, String> {
        let mut requests = Vec::new();
        for (title, corpus) in KINDS {
            for size in PROMPTS {
                requests.push(Workload::of(title, size, &sized(corpus, size), None)?);
            }
        }
        let atoms = atoms(program);
        if !atoms.is_empty() {
            requests.push(Workload::of("atoms", OF_RULES, &sized(&atoms, OF_RULES), None)?);
        }
        let answer = |(title, corpus): &(&'static str, &str)| {
            Workload::of(title, ANSWER, "-", Some(&sized(corpus, ANSWER)))
        };
        let streams = KINDS.iter().map(answer).collect::<Result<_, _>>()?;
        let mixed: String = KINDS.iter().map(|(_, corpus)| sized(corpus, OF_RULES / KINDS.len())).collect();
        let of_rules = Workload::of("mixed", OF_RULES, &mixed, Some(&mixed))?;
        Ok(Self { requests, streams, of_rules })
    }

    /// The exchanges of a file, a line each; `-` is the standard input.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let cannot = |error: std::io::Error| format!("`{}` cannot be read: {error}", path.display());
        let input: Box<dyn BufRead> = if path == Path::new("-") {
            Box::new(std::io::stdin().lock())
        } else {
            Box::new(BufReader::new(File::open(path).map_err(cannot)?))
        };
        let mut lines = Lines::new(input);
        let mut exchanges = Vec::new();
        loop {
            let batch = lines.batch().map_err(cannot)?;
            if batch.is_empty() || exchanges.len() >= MOST {
                break;
            }
            for line in batch.iter().take(MOST - exchanges.len()) {
                let exchange = Exchange::of_line(line.bytes.as_deref(), &mut Value::Null);
                let place = |flaw| format!("line {} of `{}`: {flaw}", line.number, path.display());
                exchanges.push(exchange.map_err(place)?);
            }
        }
        if exchanges.is_empty() {
            return Err(format!("`{}` has no lines to judge", path.display()));
        }
        let of = |exchanges: Vec<Exchange>| Workload { title: "input", exchanges, size: None };
        let answered: Vec<Exchange> = exchanges.iter().filter(|one| one.is_answered()).cloned().collect();
        let streams = if answered.is_empty() { Vec::new() } else { vec![of(answered)] };
        Ok(Self { requests: vec![of(exchanges.clone())], streams, of_rules: of(exchanges) })
    }
}

impl Workload {
    fn of(title: &'static str, size: usize, asked: &str, answer: Option<&str>) -> Result<Self, String> {
        let mut fields = Map::new();
        fields.insert("messages".to_owned(), json!([{"role": "user", "content": asked}]));
        // Who asks is known, so that rules that demand it go on.
        fields.insert("headers".to_owned(), json!({"x-user-id": "bench"}));
        if let Some(answer) = answer {
            fields.insert("response".to_owned(), answer.into());
        }
        Ok(Self { title, exchanges: vec![Exchange::read(fields)?], size: Some(size) })
    }
}

/// The texts of an answer, each in pieces of at most four bytes.
pub(super) fn pieces(said: &[(Channel, String)]) -> Vec<(Channel, Vec<&str>)> {
    said.iter().map(|(channel, text)| (*channel, cut(text))).collect()
}

/// Bytes of a piece, about a token: no character is longer.
pub(super) const PIECE: usize = 4;

fn cut(text: &str) -> Vec<&str> {
    let mut pieces = Vec::with_capacity(text.len() / PIECE + 1);
    let mut rest = text;
    while !rest.is_empty() {
        let end =
            (1..=PIECE.min(rest.len())).rev().find(|at| rest.is_char_boundary(*at)).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// A text of that many bytes, or a few less where a character would not fit, which repeats a corpus.
fn sized(corpus: &str, size: usize) -> String {
    let mut text = String::with_capacity(size);
    for letter in corpus.chars().cycle().take(size) {
        if text.len() + letter.len_utf8() > size {
            break;
        }
        text.push(letter);
    }
    text
}

/// The plain atoms of a program's patterns in one run: no word ends in it, so little of it is found, and the scanner stops at
/// every part of it.
fn atoms(program: &Program) -> String {
    let patterns = program.stats().patterns;
    let mut atoms: Vec<&str> =
        patterns.iter().flat_map(|pattern| &pattern.atoms).map(String::as_str).collect();
    atoms.retain(|atom| atom.chars().all(|c| c.is_ascii_alphabetic()));
    atoms.dedup();
    atoms.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_their_sizes_and_pieces_are_whole_characters() {
        for (_, corpus) in KINDS {
            for size in PROMPTS {
                let text = sized(corpus, size);
                assert!(text.len() <= size && text.len() + 4 > size, "{}", text.len());
                let pieces = cut(&text);
                assert!(pieces.iter().all(|piece| (1..=PIECE).contains(&piece.len())));
                assert_eq!(pieces.concat(), text);
            }
        }
    }
}
