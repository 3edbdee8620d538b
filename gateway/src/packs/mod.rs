//! What is in force: a compiled program and the configuration around it.

mod apart;
mod digest;
mod labels;
mod load;
mod shelf;
pub mod shipped;
mod told;
pub(crate) mod warnings;

use std::path::PathBuf;
use std::sync::Arc;

use engine::{Program, Session};
use grammar::Sources;
use grammar::config::Config;

use crate::ids;
use crate::surroundings::Offer;
pub(crate) use apart::apart;
pub use load::{Loaded, header, load, load_texts, one_file, one_kind, quickstart};
pub(crate) use load::{files, load_plain, policy_of};
pub use shelf::{Shelf, read};
pub(crate) use shelf::{beside, shipped_model};
pub(crate) use told::{as_json, as_line};

/// A configuration, compiled.
#[derive(Debug)]
pub struct Pack {
    /// The chain's policies.
    pub program: Arc<Program>,
    /// Everything else.
    pub config: Config,
    /// The files that it was read from.
    pub files: Vec<PathBuf>,
    /// The texts that it was compiled from.
    pub sources: Sources,
    hash: String,
}

impl Pack {
    /// A program with a configuration that was read from no file.
    pub(crate) fn of(program: Arc<Program>, config: Config) -> Self {
        let hash = program.hash().to_owned();
        Self { program, config, files: Vec::new(), sources: Sources::new(), hash }
    }

    /// A session for one exchange.
    pub fn session(&self) -> Session {
        Session::new(Arc::clone(&self.program), ids::clock)
    }

    /// A session that notes what it evaluates.
    pub(crate) fn watched(&self) -> Session {
        Session::watched(Arc::clone(&self.program), ids::clock)
    }

    /// What rules may ask of each target of the configuration.
    pub(crate) fn offers(&self) -> impl Iterator<Item = Offer<'_>> {
        self.config.providers.targets.iter().map(|target| Offer {
            id: &target.id.value,
            provider: &target.provider,
            model: target.model.as_deref(),
            data_policy: target.data_policy,
            pricing: target.pricing,
        })
    }

    /// What the key of that name is marked with.
    pub(crate) fn labels_of(&self, key: Option<&str>) -> Vec<(&str, &str)> {
        let key = self.config.access.keys.iter().find(|known| Some(known.name.value.as_str()) == key);
        let labels = key.iter().flat_map(|key| &key.labels);
        labels.map(|(name, value)| (name.value.as_str(), value.as_str())).collect()
    }

    /// The policies in force, in order.
    pub fn policies(&self) -> Vec<&str> {
        self.program.policies().iter().map(|policy| &*policy.name).collect()
    }

    /// Whether any policy looks at the traffic.
    pub fn guards(&self) -> bool {
        !self.program.policies().is_empty()
    }

    /// The whole of it as a digest: the rules, and everything that the configuration says.
    pub fn hash(&self) -> &str {
        &self.hash
    }
}
