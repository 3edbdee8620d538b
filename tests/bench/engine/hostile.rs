//! Texts that are made to cost as much as they can, from the patterns that a program looks for: from each expression's own
//! tree come texts that match it but for their end, and from its atoms texts in which it has to be looked for everywhere. Encoded
//! texts have to be decoded, and come to nothing.
//!
//! The same program gives the same texts each time.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use engine::Program;
use engine::matcher::Detector;
use regex_syntax::hir::{Class, Hir, HirKind};

/// The most rounds of a repetition beyond those that it must have.
const ROUNDS: u32 = 6;

/// Makes a text of so many bytes from a program's own patterns.
type Made = fn(&Program, usize) -> String;

/// Kinds of hostile texts, by name.
pub const KINDS: [(&str, Made); 5] = [
    ("near misses", near_misses),
    ("beginnings", beginnings),
    ("atoms", atoms),
    ("base64 of noise", |_, bytes| encoded_noise(bytes)),
    ("base64 thrice", |_, bytes| encoded_thrice(bytes)),
];

/// A source of numbers that look random.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, ways: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % ways.max(1)
    }
}

/// Matches that lack their last character, one after the other; where that is still a match, something is put in its middle.
pub fn near_misses(program: &Program, bytes: usize) -> String {
    of_matches(program, bytes, |text, detector, _| {
        let mut short = text.to_owned();
        short.pop();
        if detector.matches(&short) {
            let middle = short.floor_char_boundary(short.len() / 2);
            short.insert(middle, '\u{7}');
        }
        short
    })
}

/// The first part of a match, then that of another.
pub fn beginnings(program: &Program, bytes: usize) -> String {
    of_matches(program, bytes, |text, _, dice| {
        let cut = text.floor_char_boundary(1 + dice.roll(text.len()));
        text[..cut].to_owned()
    })
}

/// Atoms of all patterns, one after the other.
pub fn atoms(program: &Program, bytes: usize) -> String {
    let mut dice = Dice(3);
    let stats = program.stats();
    let all: Vec<&String> = stats
        .patterns
        .iter()
        .flat_map(|pattern| &pattern.atoms)
        .filter(|atom| !atom.contains('\\'))
        .collect();
    let mut text = String::new();
    while text.len() < bytes && !all.is_empty() {
        text.push_str(all[dice.roll(all.len())]);
        text.push(' ');
    }
    text.truncate(text.floor_char_boundary(bytes));
    text
}

/// Noise in base64, in one run: there is nothing in it, and it has to be decoded to know.
pub fn encoded_noise(bytes: usize) -> String {
    let mut dice = Dice(5);
    let noise: Vec<u8> = (0..bytes / 4 * 3).map(|_| dice.roll(256) as u8).collect();
    BASE64_STANDARD.encode(noise)
}

/// Words in base64 in base64 in base64, in one run: each step of the ladder is taken.
pub fn encoded_thrice(bytes: usize) -> String {
    let words = "nothing to be found here ".repeat(bytes / 25 * 27 / 64);
    (0..3).fold(words, |text, _| BASE64_STANDARD.encode(text))
}

fn of_matches(
    program: &Program,
    bytes: usize,
    mut spoil: impl FnMut(&str, &Detector, &mut Dice) -> String,
) -> String {
    let detectors: Vec<(&Detector, Hir)> =
        program.detectors().filter_map(|detector| Some((detector, detector.meaning()?))).collect();
    let mut dice = Dice(7);
    let mut text = String::new();
    while text.len() < bytes && !detectors.is_empty() {
        let (detector, meaning) = &detectors[dice.roll(detectors.len())];
        let mut matched = String::new();
        write(meaning, &mut dice, &mut matched);
        text.push_str(&spoil(&matched, detector, &mut dice));
        text.push(' ');
    }
    text.truncate(text.floor_char_boundary(bytes));
    text
}

/// Writes a text that the expression matches, by chance.
fn write(hir: &Hir, dice: &mut Dice, out: &mut String) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(class) => out.extend(character(class, dice)),
        HirKind::Capture(capture) => write(&capture.sub, dice, out),
        HirKind::Repetition(repetition) => {
            let most = repetition.max.unwrap_or(u32::MAX).min(repetition.min + ROUNDS);
            let more = dice.roll((most - repetition.min) as usize + 1);
            for _ in 0..repetition.min as usize + more {
                write(&repetition.sub, dice, out);
            }
        }
        HirKind::Concat(parts) => parts.iter().for_each(|part| write(part, dice, out)),
        HirKind::Alternation(parts) => write(&parts[dice.roll(parts.len())], dice, out),
    }
}

/// A character of a class, one of ASCII where there is one.
fn character(class: &Class, dice: &mut Dice) -> Option<char> {
    let holds = |c: char| match class {
        Class::Unicode(class) => class.iter().any(|range| range.start() <= c && c <= range.end()),
        Class::Bytes(class) => u8::try_from(c)
            .is_ok_and(|byte| class.iter().any(|range| range.start() <= byte && byte <= range.end())),
    };
    let usual: Vec<char> = ('!'..='~').chain([' ', '\n']).filter(|c| holds(*c)).collect();
    match (usual.len(), class) {
        (0, Class::Unicode(class)) => class.iter().next().map(|range| range.start()),
        (0, Class::Bytes(class)) => class.iter().next().map(|range| char::from(range.start())),
        (count, _) => usual.get(dice.roll(count)).copied(),
    }
}
