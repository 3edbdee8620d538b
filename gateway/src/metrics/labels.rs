//! By what each metric is told apart. Every label has few values: what a client may choose freely is bounded here.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;

use crate::audit::Record;

/// Most models that have a line of their own; the rest share one.
const MAX_MODELS: usize = 200;

/// What stands for all other models.
const OTHER: &str = "other";

/// What stands where there is none.
const NONE: &str = "none";

/// Longest name of a model that has a line of its own.
const MAX_NAME: usize = 200;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Request {
    pub(super) model: String,
    pub(super) provider: String,
    pub(super) status: u16,
    pub(super) verdict: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Reload {
    /// `taken` or `refused`.
    pub(super) result: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Model {
    pub(super) model: String,
    pub(super) provider: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Tokens {
    pub(super) model: String,
    pub(super) provider: String,
    /// `input` or `output`.
    pub(super) direction: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Policy {
    pub(super) policy: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Ran {
    pub(super) policy: String,
    pub(super) result: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Rule {
    pub(super) policy: String,
    pub(super) rule: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Attempt {
    pub(super) target: String,
    /// `ok`, `failed`, or `unsaid` where the exchange ended before the target had answered.
    pub(super) result: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Target {
    pub(super) target: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Breaker {
    pub(super) target: String,
    /// `closed`, `open` or `half_open`.
    pub(super) state: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Sink {
    pub(super) sink: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Drop {
    /// `queue_full` or `refused`.
    pub(super) reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Script {
    pub(super) script: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Build {
    pub(super) version: &'static str,
    pub(super) pack: String,
    pub(super) pack_version: String,
    pub(super) config_hash: String,
}

/// The models that have lines of their own.
#[derive(Debug, Default)]
pub(super) struct Models(Mutex<BTreeSet<String>>);

impl Models {
    /// The model and the provider of a record. A model is new only where a provider has answered for it: what a client
    /// asks for in vain makes no line.
    pub(super) fn of(&self, record: &Record) -> Model {
        let provider = record.provider.clone().unwrap_or_else(|| NONE.to_owned());
        let model = match &record.model {
            Some(model) if self.knows(model, record.provider.is_some() && record.status < 400) => {
                model.clone()
            }
            Some(_) => OTHER.to_owned(),
            None => NONE.to_owned(),
        };
        Model { model, provider }
    }

    fn knows(&self, model: &str, answered: bool) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains(model) {
            return true;
        }
        let fits = answered && known.len() < MAX_MODELS && model.len() <= MAX_NAME;
        fits && known.insert(model.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_nobody_answers_for_has_no_line() {
        let models = Models::default();
        assert!(!models.knows("made up", false));
        assert!(models.knows("real", true) && models.knows("real", false));
        for number in 0..MAX_MODELS {
            models.knows(&number.to_string(), true);
        }
        assert!(!models.knows("one too many", true) && !models.knows(&"x".repeat(MAX_NAME + 1), true));
        assert!(models.knows("real", true));
    }
}
