//! Connections of one target alone, where it is trusted in a way of its own.

use grammar::config::TargetTls;
use sha2::{Digest as _, Sha256};

use super::Upstream;
use crate::error::Error;

/// Connections that are secured with the files that a target names.
#[derive(Clone, Debug)]
pub(super) struct Secured {
    pub(super) upstream: Upstream,
    settings: TargetTls,
    /// What was in the files.
    digest: [u8; 32],
}

impl Secured {
    /// Reads the files.
    pub(super) fn new(settings: &TargetTls) -> Result<Self, Error> {
        let upstream = Upstream::new(Some(settings))?;
        let mut sha = Sha256::new();
        for bytes in settings.files().filter_map(|path| std::fs::read(path).ok()) {
            sha.update(bytes.len().to_le_bytes());
            sha.update(bytes);
        }
        Ok(Self { upstream, settings: settings.clone(), digest: sha.finalize().into() })
    }

    /// Whether connections of the one are as good as those of the other.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.digest == other.digest && self.settings.files().eq(other.settings.files())
    }
}
