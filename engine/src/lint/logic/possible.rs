//! Whether a value can be all that is said of it.
//!
//! *Possible* is the answer where nothing is proved: what is called impossible is so for every value.

use std::sync::Arc;

use regex_syntax::hir::Hir;

use super::says::{Domain, Says, is_lower};
use crate::matcher::inclusion::{Inclusion, Seeker, included};
use crate::matcher::{View, regex};
use crate::program::ir::{Comparison, TextTest};
use crate::value::Value;

/// How many whole numbers are tried one by one.
const MAX_TRIED: f64 = 64.0;

/// Whether a value that is there can be all that is said of it.
pub(crate) fn possible(domain: &Domain, says: &[&Says]) -> bool {
    let few = says.iter().find_map(|one| one.candidates()).or_else(|| domain.candidates());
    if let Some(few) = few {
        let fits = |value: &Value| domain.allows(value) && says.iter().all(|one| one.holds_of(value));
        return few.iter().any(fits);
    }
    !opposed(says) && numbers(domain, says) && texts(domain, says)
}

/// Whether something is said together with its opposite.
fn opposed(says: &[&Says]) -> bool {
    says.iter().enumerate().any(|(at, one)| {
        let opposite = one.negated();
        says.iter().skip(at + 1).any(|other| **other == opposite)
    })
}

/// The numbers between two bounds.
struct Bounds {
    low: f64,
    high: f64,
    /// Whether the bounds themselves are left out.
    over_low: bool,
    under_high: bool,
}

impl Bounds {
    /// Narrower by one comparison.
    fn narrow(&mut self, op: Comparison, bound: f64) {
        let (over, under) = (op == Comparison::Gt, op == Comparison::Lt);
        match op {
            Comparison::Gt | Comparison::Ge if bound > self.low || (bound == self.low && over) => {
                (self.low, self.over_low) = (bound, over);
            }
            Comparison::Lt | Comparison::Le if bound < self.high || (bound == self.high && under) => {
                (self.high, self.under_high) = (bound, under);
            }
            _ => {}
        }
    }

    /// The whole numbers among them.
    fn whole(self) -> Self {
        let low = if self.over_low { self.low.floor() + 1.0 } else { self.low.ceil() };
        let high = if self.under_high { self.high.ceil() - 1.0 } else { self.high.floor() };
        Self { low, high, over_low: false, under_high: false }
    }

    fn is_empty(&self) -> bool {
        self.low > self.high || (self.low == self.high && (self.over_low || self.under_high))
    }
}

/// Whether there is a number for all that is said in numbers.
fn numbers(domain: &Domain, says: &[&Says]) -> bool {
    let said: Vec<(Comparison, f64)> = says.iter().filter_map(|one| one.number()).collect();
    let (low, high, whole) = match domain {
        Domain::Range { low, high, whole } => (*low, *high, *whole),
        Domain::Any | Domain::Choices(_) | Domain::LowerCase => (f64::NEG_INFINITY, f64::INFINITY, false),
    };
    let mut bounds = Bounds { low, high, over_low: false, under_high: false };
    said.iter().for_each(|(op, bound)| bounds.narrow(*op, *bound));
    if whole {
        bounds = bounds.whole();
    }
    let refused = |number: f64| said.iter().any(|(op, bound)| *op == Comparison::Ne && *bound == number);
    if bounds.is_empty() {
        return false;
    }
    if bounds.low == bounds.high {
        return !refused(bounds.low);
    }
    if whole && bounds.high - bounds.low < MAX_TRIED {
        let mut tried = bounds.low;
        while tried <= bounds.high && refused(tried) {
            tried += 1.0;
        }
        return tried <= bounds.high;
    }
    true
}

/// Whether there is a text for all that is said of its letters.
fn texts(domain: &Domain, says: &[&Says]) -> bool {
    let mut wanted: Vec<(TextTest, Arc<str>)> = Vec::new();
    let mut refused: Vec<(TextTest, Arc<str>)> = Vec::new();
    for one in says {
        match one {
            Says::Text(test, text, true) => wanted.push((*test, Arc::clone(text))),
            Says::Text(test, text, false) => refused.push((*test, Arc::clone(text))),
            Says::Glob(pattern, true) => wanted.extend(edges(pattern)),
            Says::Glob(pattern, false) if pattern.chars().all(|c| c == '*') && !pattern.is_empty() => {
                return false;
            }
            Says::Finds(source, flags, false) if always_finds(source, flags) => return false,
            Says::Finds(source, flags, true) if never_finds(source, flags) => return false,
            _ => {}
        }
    }
    let clash =
        |(one, a): &(TextTest, Arc<str>)| wanted.iter().any(|(other, b)| one == other && !agree(*one, a, b));
    let denied = |(test, text): &(TextTest, Arc<str>)| {
        text.is_empty() || wanted.iter().any(|(one, a)| implies(*one, a, *test, text))
    };
    let too_tall = *domain == Domain::LowerCase && wanted.iter().any(|(_, text)| !is_lower(text));
    !wanted.iter().any(clash) && !refused.iter().any(denied) && !too_tall
}

/// How a text begins and ends that fits a file-name pattern.
fn edges(pattern: &str) -> Vec<(TextTest, Arc<str>)> {
    let wild = |c: char| c == '*' || c == '?';
    let head = pattern.split(wild).next().unwrap_or_default();
    let tail = pattern.rsplit(wild).next().unwrap_or_default();
    vec![(TextTest::StartsWith, head.into()), (TextTest::EndsWith, tail.into())]
}

/// Whether a text can pass the same test with both.
fn agree(test: TextTest, a: &str, b: &str) -> bool {
    match test {
        TextTest::StartsWith => a.starts_with(b) || b.starts_with(a),
        TextTest::EndsWith => a.ends_with(b) || b.ends_with(a),
        TextTest::Contains => true,
    }
}

/// Whether every text that passes the first test passes the second.
fn implies(one: TextTest, a: &str, other: TextTest, b: &str) -> bool {
    match (one, other) {
        (TextTest::StartsWith, TextTest::StartsWith) => a.starts_with(b),
        (TextTest::EndsWith, TextTest::EndsWith) => a.ends_with(b),
        (_, TextTest::Contains) => a.contains(b),
        (_, TextTest::StartsWith | TextTest::EndsWith) => false,
    }
}

/// Whether an expression finds something in every text, the empty one included.
pub(crate) fn always_finds(source: &str, flags: &str) -> bool {
    let Ok(hir) = regex::compile(source, flags, View::Folded) else { return false };
    if hir.properties().minimum_len() != Some(0) {
        return false;
    }
    let everything = Seeker::new(&Hir::empty());
    match (everything, Seeker::new(&hir)) {
        (Some(everything), Some(seeker)) => included(&everything, &seeker) == Inclusion::Included,
        _ => false,
    }
}

/// Whether an expression finds nothing in any text.
fn never_finds(source: &str, flags: &str) -> bool {
    regex::compile(source, flags, View::Folded).is_ok_and(|hir| hir.properties().minimum_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(op: Comparison, number: i64) -> Says {
        Says::Is(op, Value::Int(number))
    }

    fn text(test: TextTest, text: &str) -> Says {
        Says::Text(test, text.into(), true)
    }

    fn can(domain: &Domain, says: &[Says]) -> bool {
        possible(domain, &says.iter().collect::<Vec<_>>())
    }

    #[test]
    fn numbers_have_bounds() {
        use Comparison as C;
        let whole = Domain::Range { low: 0.0, high: 23.0, whole: true };
        assert!(!can(&Domain::Any, &[is(C::Gt, 10), is(C::Lt, 5)]));
        assert!(!can(&Domain::Any, &[is(C::Gt, 5), is(C::Le, 5)]));
        assert!(can(&Domain::Any, &[is(C::Ge, 5), is(C::Le, 5)]));
        assert!(can(&Domain::Any, &[is(C::Gt, 3), is(C::Lt, 4)]), "a half is between");
        assert!(!can(&whole, &[is(C::Gt, 3), is(C::Lt, 4)]), "no whole number is between");
        assert!(!can(&whole, &[is(C::Ge, 24)]) && can(&whole, &[is(C::Ge, 23)]));
        assert!(!can(&whole, &[is(C::Ge, 22), is(C::Ne, 22), is(C::Ne, 23)]));
        assert!(!can(&whole, &[Says::Is(C::Eq, Value::Float(2.5))]));
        assert!(!can(&Domain::Any, &[is(C::Eq, 3), is(C::Ne, 3)]));
        assert!(
            can(&Domain::Any, &[Says::Is(C::Gt, Value::Int(i64::MAX - 1))]),
            "too large to be told apart"
        );
    }

    #[test]
    fn texts_begin_and_end() {
        use TextTest as T;
        let eq = |text: &str| Says::Is(Comparison::Eq, Value::Str(text.into()));
        assert!(!can(&Domain::Any, &[text(T::StartsWith, "a"), text(T::StartsWith, "b")]));
        assert!(can(&Domain::Any, &[text(T::StartsWith, "a"), text(T::StartsWith, "ab")]));
        assert!(!can(&Domain::Any, &[text(T::EndsWith, "ab"), text(T::Contains, "b").negated()]));
        assert!(can(&Domain::Any, &[text(T::EndsWith, "ab"), text(T::StartsWith, "b").negated()]));
        assert!(!can(&Domain::Any, &[eq("x"), text(T::StartsWith, "a")]));
        assert!(!can(&Domain::Any, &[text(T::Contains, "").negated()]));
        assert!(
            !can(&Domain::LowerCase, &[eq("GPT")]) && !can(&Domain::LowerCase, &[text(T::Contains, "É")])
        );
        assert!(can(&Domain::LowerCase, &[eq("gpt"), text(T::Contains, "G").negated()]));
    }

    #[test]
    fn globs_and_expressions() {
        let glob = |pattern: &str| Says::Glob(pattern.into(), true);
        let finds = |source: &str| Says::Finds(source.into(), "".into(), true);
        assert!(!can(&Domain::Any, &[glob("a*"), text(TextTest::StartsWith, "b")]));
        assert!(!can(&Domain::Any, &[glob("abc"), glob("?b").negated(), text(TextTest::EndsWith, "d")]));
        assert!(!can(&Domain::Any, &[glob("*").negated()]) && can(&Domain::Any, &[glob("?*").negated()]));
        assert!(
            !can(&Domain::Any, &[finds("a*").negated()]) && can(&Domain::Any, &[finds("^a*$").negated()])
        );
        let eq = Says::Is(Comparison::Eq, Value::Str("abc".into()));
        assert!(!can(&Domain::Any, &[eq.clone(), finds("^b")]) && can(&Domain::Any, &[eq, finds("b")]));
    }
}
