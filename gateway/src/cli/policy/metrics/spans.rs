//! Spans that were found against spans that should be.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use super::interval::Share;
use super::label::Gold;

/// Names of data sets for what our patterns label. What has our label's own name needs no entry.
pub(super) const TYPES: &[(&str, &str)] = &[
    ("EMAIL_ADDRESS", "EMAIL"),
    ("PHONE_NUMBER", "PHONE"),
    ("US_SSN", "SSN"),
    ("SOCIAL_SECURITY_NUMBER", "SSN"),
    ("CREDIT_CARD_NUMBER", "CREDIT_CARD"),
    ("IBAN_CODE", "IBAN"),
    ("IP", "IP_ADDRESS"),
    ("MAC", "MAC_ADDRESS"),
    ("ABA_ROUTING", "BANK_ROUTING"),
    ("ABA_ROUTING_NUMBER", "BANK_ROUTING"),
    ("CRYPTO", "CRYPTO_WALLET"),
    ("DOB", "DATE_OF_BIRTH"),
    ("MEDICAL_RECORD_NUMBER", "MRN"),
    ("US_NPI", "NPI"),
];

/// The labels that the chain can give, by which types of data sets are told that it looks for.
pub(super) struct Labels(BTreeSet<Arc<str>>);

impl Labels {
    pub(super) fn new(labels: impl Iterator<Item = Arc<str>>) -> Self {
        Self(labels.collect())
    }

    /// Our label for a type of a data set; nothing when the chain does not look for it.
    fn of(&self, ty: &str) -> Option<Arc<str>> {
        let name: String = ty
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
            .collect();
        let ours = TYPES.iter().find(|(theirs, _)| *theirs == name).map_or(name.as_str(), |(_, ours)| *ours);
        self.0.get(ours).cloned()
    }
}

/// A span that was found; bytes of the text.
pub(super) struct Found {
    pub(super) range: Range<usize>,
    pub(super) label: Arc<str>,
}

/// How one label fared. Each find answers for one span at most, and each span takes one find, so that precision, recall and
/// F1 are of the same pairs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Matches {
    /// Pairs of a span and a find with its label, from the same start to the same end.
    pub(super) exact: u64,
    /// Pairs with a character in common; those that are exact are among them.
    pub(super) touched: u64,
    /// Spans that should be found.
    pub(super) gold: u64,
    /// Spans that were found.
    pub(super) found: u64,
}

impl Matches {
    pub(super) fn precision(&self) -> Option<Share> {
        Share::of(self.touched, self.found)
    }

    pub(super) fn recall(&self) -> Option<Share> {
        Share::of(self.touched, self.gold)
    }

    /// F1 of finds that touch their span.
    pub(super) fn f1(&self) -> Option<Share> {
        Share::f1(self.touched, self.found - self.touched, self.gold - self.touched)
    }

    /// F1 where both ends must be right.
    pub(super) fn exact_f1(&self) -> Option<Share> {
        Share::f1(self.exact, self.found - self.exact, self.gold - self.exact)
    }

    fn merge(&mut self, other: &Self) {
        self.exact += other.exact;
        self.touched += other.touched;
        self.gold += other.gold;
        self.found += other.found;
    }
}

/// How spans fared in a set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SpanCounts {
    pub(super) lines: u64,
    pub(super) by_label: BTreeMap<Arc<str>, Matches>,
    /// Types that the chain does not look for, with how many spans of them there are. They count neither way, and what is
    /// found inside of one neither.
    pub(super) not_sought: BTreeMap<String, u64>,
}

impl SpanCounts {
    /// All labels together.
    pub(super) fn all(&self) -> Matches {
        let mut all = Matches::default();
        self.by_label.values().for_each(|matches| all.merge(matches));
        all
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.lines += other.lines;
        for (label, matches) in &other.by_label {
            self.by_label.entry(Arc::clone(label)).or_default().merge(matches);
        }
        for (ty, count) in &other.not_sought {
            *self.not_sought.entry(ty.clone()).or_default() += count;
        }
    }

    /// Compares what was found in a text with what should be.
    pub(super) fn add(&mut self, text: &str, gold: &[Gold], found: &[Found], labels: &Labels) {
        self.lines += 1;
        let mut starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        starts.push(text.len());
        let byte = |character: usize| starts.get(character).copied().unwrap_or(text.len());
        let mut sought: Vec<(Range<usize>, Arc<str>)> = Vec::new();
        let mut others: Vec<Range<usize>> = Vec::new();
        for span in gold {
            let range = byte(span.start)..byte(span.end);
            if let Some(label) = labels.of(&span.ty) {
                sought.push((range, label));
            } else {
                *self.not_sought.entry(span.ty.clone()).or_default() += 1;
                others.push(range);
            }
        }
        let found = distinct(found);
        let pairs = pairs(&sought, &found);
        for (at, (range, label)) in sought.iter().enumerate() {
            let matches = self.by_label.entry(Arc::clone(label)).or_default();
            matches.gold += 1;
            let Some((_, find)) = pairs.iter().find(|(span, _)| *span == at) else { continue };
            matches.touched += 1;
            matches.exact += u64::from(found.get(*find).is_some_and(|found| found.range == *range));
        }
        for (at, span) in found.iter().enumerate() {
            let right = pairs.iter().any(|(_, find)| *find == at);
            if right || !others.iter().any(|range| touch(range, &span.range)) {
                self.by_label.entry(Arc::clone(&span.label)).or_default().found += 1;
            }
        }
    }
}

/// Which find answers for which span: those that are exact first, then from left to right.
fn pairs(sought: &[(Range<usize>, Arc<str>)], found: &[&Found]) -> Vec<(usize, usize)> {
    let mut order: Vec<usize> = (0..sought.len()).collect();
    order.sort_by_key(|at| sought.get(*at).map(|(range, _)| (range.end, range.start)));
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for exactly in [true, false] {
        for at in &order {
            let Some((range, label)) = sought.get(*at) else { continue };
            if pairs.iter().any(|(span, _)| span == at) {
                continue;
            }
            let fits = |(find, span): &(usize, &&Found)| {
                span.label == *label
                    && if exactly { span.range == *range } else { touch(&span.range, range) }
                    && !pairs.iter().any(|(_, taken)| taken == find)
            };
            let next = found.iter().enumerate().filter(fits).min_by_key(|(_, span)| span.range.end);
            pairs.extend(next.map(|(find, _)| (*at, find)));
        }
    }
    pairs
}

/// Each span once, whatever number of rules found it.
fn distinct(found: &[Found]) -> Vec<&Found> {
    let mut all: Vec<&Found> = found.iter().collect();
    all.sort_by_key(|found| (found.range.start, found.range.end, Arc::clone(&found.label)));
    all.dedup_by(|a, b| a.range == b.range && a.label == b.label);
    all
}

fn touch(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gold(start: usize, end: usize, ty: &str) -> Gold {
        Gold { start, end, ty: ty.to_owned() }
    }

    fn found(range: Range<usize>, label: &str) -> Found {
        Found { range, label: label.into() }
    }

    #[test]
    fn characters_and_bytes_meet_and_types_have_our_names() {
        let labels = Labels::new(["EMAIL", "PHONE"].map(Arc::from).into_iter());
        let mut counts = SpanCounts::default();
        let text = "Zoë: zoe@example.com, +1 555 0100, Zoë";
        let spans = [gold(5, 20, "EMAIL_ADDRESS"), gold(22, 33, "phone number"), gold(0, 3, "PERSON")];
        let finds = [
            found(6..21, "EMAIL"),
            found(6..21, "EMAIL"),
            found(26..30, "PHONE"),
            found(0..4, "PHONE"),
            found(36..38, "EMAIL"),
        ];
        counts.add(text, &spans, &finds, &labels);
        let of = |label: &str| counts.by_label[label];
        assert_eq!(of("EMAIL"), Matches { exact: 1, touched: 1, gold: 1, found: 2 });
        assert_eq!(of("PHONE"), Matches { exact: 0, touched: 1, gold: 1, found: 1 });
        assert_eq!(counts.not_sought, BTreeMap::from([("PERSON".to_owned(), 1)]));
    }

    #[test]
    fn each_find_answers_for_one_span() {
        let labels = Labels::new(["PHONE"].map(Arc::from).into_iter());
        let mut counts = SpanCounts::default();
        // Two pieces of one number, and one find over two numbers.
        let spans = [gold(0, 10, "PHONE"), gold(12, 16, "PHONE"), gold(18, 22, "PHONE")];
        let finds = [found(0..4, "PHONE"), found(6..10, "PHONE"), found(12..22, "PHONE")];
        counts.add("0123456789, 0123, 4567", &spans, &finds, &labels);
        let matches = counts.all();
        assert_eq!(matches, Matches { exact: 0, touched: 2, gold: 3, found: 3 });
        let of = |share: Option<Share>| share.map(|share| share.value).unwrap_or_default();
        let (precision, recall) = (of(matches.precision()), of(matches.recall()));
        let f1 = 2.0 * precision * recall / (precision + recall);
        assert!((of(matches.f1()) - f1).abs() < 1e-12, "{matches:?}");
    }

    #[test]
    fn the_exact_find_is_taken_before_one_that_touches() {
        let labels = Labels::new(["PHONE"].map(Arc::from).into_iter());
        let mut counts = SpanCounts::default();
        let finds = [found(0..4, "PHONE"), found(0..10, "PHONE")];
        counts.add("0123456789", &[gold(0, 10, "PHONE")], &finds, &labels);
        assert_eq!(counts.all(), Matches { exact: 1, touched: 1, gold: 1, found: 2 });
    }
}
