//! What is wrong, where, and what to do about it.

use crate::codes::Code;
use crate::difference::Difference;
use crate::span::Span;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing runs until this is mended.
    Error,
    /// It runs, but probably not as meant.
    Warning,
}

/// One finding about a text that somebody wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable code with a page in the book.
    pub code: Code,
    /// Error or warning.
    pub severity: Severity,
    /// One sentence, lower case, names in backticks.
    pub message: String,
    /// The place it is about.
    pub span: Span,
    /// A few words written under the place.
    pub label: Option<String>,
    /// Other places that matter, each with a few words.
    pub related: Vec<(Span, String)>,
    /// What to do.
    pub help: Option<String>,
    /// The key's path in a YAML file, such as `providers.targets[0].id`.
    pub path: Option<String>,
    /// Whether the lines around must not be shown: a secret may stand there.
    pub hidden: bool,
    /// The text that was expected and the one that came, where that is what is wrong.
    pub difference: Option<Box<Difference>>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            span,
            label: None,
            related: Vec::new(),
            help: None,
            path: None,
            hidden: false,
            difference: None,
        }
    }

    /// A warning at a place.
    pub fn warning(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    /// With a few words under the place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// With the mend.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With the mend, when there is one to offer.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    /// With another place that matters.
    #[must_use]
    pub fn related(mut self, span: Span, words: impl Into<String>) -> Self {
        self.related.push((span, words.into()));
        self
    }

    /// With the text that was expected and the one that came.
    #[must_use]
    pub fn difference(mut self, expected: impl Into<String>, got: impl Into<String>) -> Self {
        self.difference = Some(Box::new(Difference { expected: expected.into(), got: got.into() }));
        self
    }

    /// With the path of the YAML key.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Whether it stops the show.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// The nearest of `names` to what was written, as a help sentence, when it is near enough to be meant.
pub fn did_you_mean<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(written, names).map(|name| format!("did you mean `{name}`?"))
}

/// The nearest of `names` to what was written, when it is near enough to be meant.
pub fn nearest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = |s: &str| s.to_lowercase().replace('_', "-");
    let wanted = folded(written);
    let room = (wanted.chars().count() / 3).max(1);
    names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&wanted, &folded(name)), name))
        .filter(|(distance, _)| *distance <= room)
        .min_by_key(|(distance, name)| (*distance, name.len()))
        .map(|(_, name)| name)
}

/// Sorts for a reader: by file, by place, errors before warnings; equal findings are told once.
pub fn sort(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by(|a, b| {
        (a.span, a.severity, a.code, &a.message).cmp(&(b.span, b.severity, b.code, &b.message))
    });
    diagnostics.dedup();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_offered_and_a_far_one_is_not() {
        assert_eq!(nearest("treshold", ["threshold", "action"]), Some("threshold"));
        assert_eq!(nearest("pii_detector", ["pii-detector"]), Some("pii-detector"));
        assert_eq!(nearest("colour", ["threshold", "action"]), None);
    }
}
