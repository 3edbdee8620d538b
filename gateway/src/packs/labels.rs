//! Labels that rules read and no key has: a name that is misspelt would otherwise never be noticed.

use engine::Program;
use grammar::config::ClientKey;
use grammar::diagnostic::did_you_mean;
use grammar::{Diagnostic, codes};

/// A warning for each of them. Where there are no keys nobody has labels, and nothing is to be said.
pub(super) fn missing(keys: &[ClientKey], program: &Program) -> Vec<Diagnostic> {
    let known = || keys.iter().flat_map(|key| key.labels.iter().map(|(name, _)| name.value.as_str()));
    let Some(first) = keys.first() else { return Vec::new() };
    let missing = program.key_labels().into_iter().filter(|label| !known().any(|name| name == *label));
    let told = |label: &str| {
        let message = format!("rules read `key.labels.{label}`, and no key has such a label");
        let help = did_you_mean(label, known())
            .unwrap_or_else(|| format!("give it to keys, as in `labels: {{{label}: …}}`"));
        Diagnostic::warning(codes::UNKNOWN_LABEL, first.name.span, message).help(help).path("auth.keys")
    };
    missing.map(told).collect()
}
