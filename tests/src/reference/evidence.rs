//! Where conditions look, what they find there, and which of it made them hold.

use std::ops::Range;

use engine::input::Role;
use grammar::ast::{BinaryOp, Expr, ExprKind, PatternRef, Quantity, UnaryOp};

use super::evaluate::{Phase, Reader, Sought, is_written_out};
use super::text::{Look, Said};

/// A match in a text of the request.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) text: usize,
    pub(super) range: Range<usize>,
    pub(super) label: String,
    pub(super) look: Look,
}

/// What a `has` looks at.
enum Place {
    Texts(Vec<usize>),
    Answer,
    Plain { text: String, is_json: bool },
}

impl<'a> Reader<'a> {
    /// The patterns that a `has` looks for, with their views, and where it looks.
    fn place(&mut self, text: &'a Expr) -> (Place, Look) {
        match &text.kind {
            ExprKind::Call(name, args) => (self.place(&args[0]).0, look(&name.value)),
            ExprKind::Path(words) => {
                let words: Vec<&str> = words.iter().map(|word| word.value.as_str()).collect();
                let place = match (words.as_slice(), self.phase) {
                    (["text"], Phase::Answer(..)) => Place::Answer,
                    (["text"], Phase::Request) => self.texts(|_| true),
                    (["user", "text"], _) => self.texts(|role| role == Role::User),
                    (["system", "text"], _) => self.texts(|role| role == Role::System),
                    (["assistant", "text"], _) => self.texts(|role| role == Role::Assistant),
                    (["tool", "text"], _) => self.texts(|role| role == Role::Tool),
                    (["untrusted", "text"], _) => self.texts(|role| matches!(role, Role::User | Role::Tool)),
                    (["m", "text"], _) => {
                        let index = self.elements.iter().rev().find(|(name, ..)| *name == "m").map(|e| e.2);
                        Place::Texts(self.request.messages[index.expect("a message")].texts.clone().collect())
                    }
                    _ => Place::Plain {
                        text: self.path(&words).str().to_owned(),
                        is_json: words == ["c", "arguments"],
                    },
                };
                (place, Look::Folded)
            }
            other => panic!("generated policies do not look into {other:?}"),
        }
    }

    fn texts(&self, covers: impl Fn(Role) -> bool) -> Place {
        let texts = self.request.texts.iter().enumerate();
        Place::Texts(texts.filter(|(_, text)| covers(text.role)).map(|(index, _)| index).collect())
    }

    /// What a `has` finds; in an answer and in a plain string the index means nothing.
    pub(super) fn matches(
        &mut self,
        text: &'a Expr,
        patterns: &'a [grammar::Spanned<PatternRef>],
    ) -> Vec<Found> {
        let (place, look) = self.place(text);
        let mut found = Vec::new();
        for pattern in patterns {
            for sought in self.meaning.sought(&pattern.value, look) {
                let mut seek = |text: usize, said: Said<'_>| {
                    let ranges = sought.finder.find(said, look).into_iter();
                    let label = &sought.finder.label;
                    found.extend(ranges.map(|range| Found { text, range, label: label.clone(), look }));
                };
                match (&place, self.phase) {
                    (Place::Texts(texts), _) => {
                        texts.iter().for_each(|index| seek(*index, said(&self.request.texts[*index])));
                    }
                    (Place::Answer, Phase::Answer(text, only, _)) => {
                        if only.is_none_or(|only| only.finder.is(&sought.finder) && only.look == look) {
                            seek(0, text);
                        }
                    }
                    (Place::Answer, Phase::Request) => unreachable!("a request has no answer"),
                    (Place::Plain { text, is_json }, _) => seek(0, Said { text, is_json: *is_json }),
                }
            }
        }
        found
    }

    /// The matches that make a condition what it is wanted to be: of every `has` that holds, in branches that decide. A
    /// negation turns this round.
    pub(super) fn evidence(&mut self, expr: &'a Expr, wanted: bool, out: &mut Vec<Found>) {
        if let ExprKind::Path(words) = &expr.kind {
            let name = words[0].value.as_str();
            if let Some(value) = self.meaning.lets.get(name).filter(|_| words.len() == 1) {
                return self.evidence(value, wanted, out);
            }
        }
        if self.value(expr).truth() != wanted {
            return;
        }
        match &expr.kind {
            ExprKind::Unary(UnaryOp::Not, inner) => self.evidence(inner, !wanted, out),
            ExprKind::Binary(op, a, b) if matches!(op.value, BinaryOp::And | BinaryOp::Or) => {
                self.evidence(a, wanted, out);
                self.evidence(b, wanted, out);
            }
            ExprKind::If(condition, then, otherwise) => {
                let branch = if self.value(condition).truth() { then } else { otherwise };
                self.evidence(branch, wanted, out);
            }
            ExprKind::Match(choice) => {
                let arm = self.arm(choice);
                self.evidence(arm, wanted, out);
            }
            ExprKind::Call(name, args) if self.meaning.functions.contains_key(name.value.as_str()) => {
                let function = self.meaning.functions[name.value.as_str()];
                self.inside(function, args, |reader, body| reader.evidence(body, wanted, out));
            }
            ExprKind::Quantifier(quantifier)
                if quantifier.quantity != Quantity::Count && is_written_out(self.meaning, quantifier) =>
            {
                let mut all = Vec::new();
                self.each(quantifier, |reader, body| reader.evidence(body, wanted, &mut all));
                out.extend(all);
            }
            _ if wanted => self.evidence_of(expr, out),
            _ => {}
        }
    }

    /// The evidence of what holds, and is no connective.
    fn evidence_of(&mut self, expr: &'a Expr, out: &mut Vec<Found>) {
        match &expr.kind {
            ExprKind::Has(text, patterns) if !matches!(self.place(text).0, Place::Plain { .. }) => {
                out.extend(self.matches(text, patterns));
            }
            ExprKind::Binary(op, a, b) if is_comparison(op.value) => {
                for side in [a, b] {
                    if let ExprKind::Path(words) = &side.kind
                        && let Some(score) = self.meaning.scores.get(words[0].value.as_str()).copied()
                    {
                        let conditions = score.terms.iter().filter_map(|term| term.condition.as_ref());
                        conditions.for_each(|condition| self.evidence(condition, true, out));
                    }
                }
            }
            ExprKind::Quantifier(quantifier) if quantifier.quantity != Quantity::Count => {
                let mut all = Vec::new();
                self.each(quantifier, |reader, body| reader.evidence(body, true, &mut all));
                out.extend(all);
            }
            _ => {}
        }
    }

    /// Every pattern, with its view, that a condition over answers looks for.
    pub(super) fn watched(&self, expr: &'a Expr, out: &mut Vec<Sought>) {
        match &expr.kind {
            ExprKind::Has(text, patterns) => {
                let look = match &text.kind {
                    ExprKind::Call(name, _) => look(&name.value),
                    _ => Look::Folded,
                };
                out.extend(patterns.iter().flat_map(|pattern| self.meaning.sought(&pattern.value, look)));
            }
            ExprKind::Binary(_, a, b) => [a, b].into_iter().for_each(|side| self.watched(side, out)),
            ExprKind::Quantifier(quantifier) => self.watched(&quantifier.body, out),
            ExprKind::If(condition, then, otherwise) => {
                [condition, then, otherwise].into_iter().for_each(|part| self.watched(part, out));
            }
            _ => {}
        }
    }
}

/// The view of a function.
fn look(function: &str) -> Look {
    match function {
        "raw" => Look::Raw,
        "json" => Look::Json,
        other => panic!("generated policies do not look through `{other}`"),
    }
}

/// A text of the request.
pub(super) fn said<'a>(text: &engine::input::Text<'a>) -> Said<'a> {
    Said { text: text.value, is_json: text.is_json }
}

fn is_comparison(op: BinaryOp) -> bool {
    use BinaryOp as B;
    matches!(op, B::Eq | B::Ne | B::Lt | B::Le | B::Gt | B::Ge)
}
