//! Texts that an expression matches, made from its form. They tell apart most expressions at no cost: what one is made for and
//! another does not find is no part of the other.

use regex_syntax::hir::{Class, Hir, HirKind};

/// How long a text may get.
const MAX_LENGTH: usize = 2048;

/// Two short texts: through the first of all alternatives, and through the last. A boundary in the middle of the expression
/// may keep it from matching them.
pub fn examples(hir: &Hir) -> [String; 2] {
    [false, true].map(|last| {
        let mut out = String::new();
        write(hir, last, &mut out);
        out
    })
}

fn write(hir: &Hir, last: bool, out: &mut String) {
    if out.len() > MAX_LENGTH {
        return;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(class) => out.extend(character(class)),
        HirKind::Capture(capture) => write(&capture.sub, last, out),
        HirKind::Repetition(repetition) => {
            (0..repetition.min).take(MAX_LENGTH).for_each(|_| write(&repetition.sub, last, out));
        }
        HirKind::Concat(parts) => parts.iter().for_each(|part| write(part, last, out)),
        HirKind::Alternation(parts) => {
            let part = if last { parts.last() } else { parts.first() };
            part.into_iter().for_each(|part| write(part, last, out));
        }
    }
}

/// A character of a class, one that texts have where there is one.
fn character(class: &Class) -> Option<char> {
    let holds = |c: char| match class {
        Class::Unicode(class) => class.iter().any(|range| range.start() <= c && c <= range.end()),
        Class::Bytes(class) => u8::try_from(c)
            .is_ok_and(|byte| class.iter().any(|range| range.start() <= byte && byte <= range.end())),
    };
    let first = match class {
        Class::Unicode(class) => class.iter().next().map(|range| range.start()),
        Class::Bytes(class) => class.iter().next().map(|range| char::from(range.start())),
    };
    ['a', '0', ' ', 'A', '-'].into_iter().find(|c| holds(*c)).or(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::{View, regex};

    #[test]
    fn they_are_what_the_expression_is_made_for() {
        for source in
            [r"\bORD-\d{6}\b", "(?:cat|dog)s?", r"[^a]x{2,}", r"\w+@\w+\.com", "(?i)key", r"[\u{E0020}]"]
        {
            let hir = regex::compile(source, "", View::Raw).unwrap();
            let engine = regex_automata::meta::Builder::new().build_from_hir(&hir).unwrap();
            for text in examples(&hir) {
                assert!(engine.is_match(text.as_str()), "{source}: {text:?}");
            }
        }
    }
}
