//! Heads of expressions that have alternatives without a text at their beginning: those are followed into what comes after them.

use regex_syntax::hir::{Hir, HirKind};

use super::atoms;
use super::cover::{Cover, Reach};

/// How many sequences are looked at for the heads of one expression, besides its own.
const MAX_FOLLOWED: usize = 63;

/// The heads of an expression whose parts have none for all of its matches.
pub(super) fn followed(hir: &Hir) -> Option<Cover> {
    let mut left = MAX_FOLLOWED;
    of_alternatives(sequence(hir), &mut left)
}

/// The heads of the first alternatives of a sequence, each looked for in what comes after it too; while some are `left` to be looked
/// at, since there may be many.
fn of_alternatives(parts: &[Hir], left: &mut usize) -> Option<Cover> {
    let (mut before, mut rest) = (Reach::HERE, parts);
    while let Some((part, after)) = rest.split_first().filter(|_| before.is_near()) {
        if let Some(alternatives) = alternatives(part) {
            let head = |part: &Hir| {
                *left = left.checked_sub(1)?;
                let parts = [sequence(part), after].concat();
                atoms::heads_of(&parts).or_else(|| of_alternatives(&parts, left))
            };
            let heads = alternatives.iter().map(head).collect::<Option<Vec<_>>>();
            return heads.and_then(Cover::union).map(|head| head.shifted(before)).filter(Cover::is_head);
        }
        before = before.shifted(atoms::length_of(part));
        rest = after;
    }
    None
}

/// The parts of a part that is a sequence.
fn sequence(part: &Hir) -> &[Hir] {
    match part.kind() {
        HirKind::Concat(parts) => parts,
        _ => std::slice::from_ref(part),
    }
}

/// What a part is one of.
fn alternatives(part: &Hir) -> Option<&[Hir]> {
    match part.kind() {
        HirKind::Alternation(parts) => Some(parts),
        HirKind::Capture(capture) => alternatives(&capture.sub),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::{View, regex};

    /// The texts of the heads, with a bar for each of their boundaries, by the way that a program takes.
    fn heads(source: &str) -> Option<Vec<String>> {
        let hir = regex::compile(source, "", View::Raw).unwrap();
        let (_, head) = atoms::cover_and_heads(&hir).unwrap();
        head.map(|head| head.atoms().map(|(atom, _)| atom.shown()).collect())
    }

    #[test]
    fn what_comes_after_an_alternative_is_its_head() {
        let expected = ["destroying evidence", "|please|"].map(String::from).to_vec();
        assert_eq!(heads(r"(?:\bplease\b.{0,300}|(?:^|\w)\s{0,3})destroying evidence"), Some(expected));
        let far = r"(?:\bplease\b|\d+).{0,300}destroying evidence";
        assert_eq!(heads(far), None, "that is too far away");
    }

    #[test]
    fn what_is_nested_deeply_is_looked_at_a_few_times() {
        let nested = (0..11).fold(String::from(r"\d+"), |inner, _| format!(r"(?:{inner}|\d+)\w+"));
        let row = r"(?:\d+|\w+)".repeat(24);
        for source in [nested, row] {
            let hir = regex::compile(&format!("{source}.{{0,40}}secretword"), "", View::Raw).unwrap();
            let (cover, head) = atoms::cover_and_heads(&hir).unwrap();
            assert_eq!(cover.atoms().map(|(atom, _)| atom.bytes).collect::<Vec<_>>(), [b"secretword"]);
            assert!(head.is_none());
        }
    }
}
