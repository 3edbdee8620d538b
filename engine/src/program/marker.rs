//! Markers: what a redaction leaves behind.

use std::sync::Arc;

use crate::matcher::json::{Place, escape};

/// The shape of a marker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// `[EMAIL]`.
    #[default]
    Label,
    /// `***`.
    Asterisks,
    /// The last four letters or digits stay: `************1111`.
    Partial,
    /// The same words for everything.
    Fixed(Arc<str>),
}

/// What a redaction leaves behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marker {
    /// Its shape.
    pub shape: Shape,
    /// Whether it has as many characters as what it stands for.
    pub preserve_length: bool,
    /// Markers of particular labels, which win over the shape.
    pub custom: Vec<(Arc<str>, Arc<str>)>,
}

/// How many letters or digits a partial marker shows.
const SHOWN: usize = 4;

impl Marker {
    /// Appends the marker for a match. The same match always gives the same marker, so that providers' prompt caches
    /// keep working.
    pub fn write(&self, label: &str, matched: &str, out: &mut String) {
        let length = matched.chars().count();
        let custom =
            self.custom.iter().find(|(of, _)| of.eq_ignore_ascii_case(label)).map(|(_, marker)| &**marker);
        match (custom, &self.shape) {
            (Some(custom), _) => self.fit(custom, length, out),
            (None, Shape::Fixed(words)) => self.fit(words, length, out),
            (None, Shape::Label) => self.fit(&format!("[{label}]"), length, out),
            (None, Shape::Asterisks) if self.preserve_length => out.extend(std::iter::repeat_n('*', length)),
            (None, Shape::Asterisks) => out.push_str("***"),
            (None, Shape::Partial) => partial(matched, out),
        }
    }

    /// Appends the marker as it must be written in that place, so that JSON text stays JSON text. The match is given as it
    /// is written there.
    pub fn write_in(&self, place: Place, label: &str, matched: &str, out: &mut String) {
        if place == Place::Plain {
            return self.write(label, matched, out);
        }
        let mut words = String::new();
        self.write(label, &escape::read(matched), &mut words);
        let quote = if place == Place::Scalar { "\"" } else { "" };
        out.push_str(quote);
        escape::write(&words, out);
        out.push_str(quote);
    }

    /// The words, cut or filled up with `*` where the length is to be kept.
    fn fit(&self, words: &str, length: usize, out: &mut String) {
        if self.preserve_length {
            out.extend(words.chars().chain(std::iter::repeat('*')).take(length));
        } else {
            out.push_str(words);
        }
    }
}

/// Stars for all letters and digits but the last four; of a short match at most a third is shown.
fn partial(matched: &str, out: &mut String) {
    let letters = matched.chars().filter(|c| c.is_alphanumeric()).count();
    let hidden = letters - SHOWN.min(letters / 3);
    let mut seen = 0;
    for c in matched.chars() {
        if c.is_alphanumeric() {
            seen += 1;
        }
        out.push(if c.is_alphanumeric() && seen <= hidden { '*' } else { c });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(marker: &Marker, label: &str, matched: &str) -> String {
        let mut out = String::new();
        marker.write(label, matched, &mut out);
        out
    }

    #[test]
    fn every_shape() {
        let card = "4111 1111 1111 1234";
        let marker = |shape, preserve_length| Marker { shape, preserve_length, custom: Vec::new() };
        assert_eq!(written(&marker(Shape::Label, false), "CREDIT_CARD", card), "[CREDIT_CARD]");
        assert_eq!(written(&marker(Shape::Asterisks, false), "CREDIT_CARD", card), "***");
        assert_eq!(written(&marker(Shape::Asterisks, true), "CREDIT_CARD", card), "*".repeat(19));
        assert_eq!(written(&marker(Shape::Partial, false), "CREDIT_CARD", card), "**** **** **** 1234");
        assert_eq!(written(&marker(Shape::Label, true), "PIN", "12345678"), "[PIN]***");
        let custom = Marker { custom: vec![("EMAIL".into(), "<mail>".into())], ..Marker::default() };
        assert_eq!(written(&custom, "EMAIL", "a@b.co"), "<mail>");
    }
}
