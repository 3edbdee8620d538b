//! Connections of one target alone, where it is trusted in a way of its own or reached through a proxy.

use grammar::config::{self, TargetTls};
use hyper::Uri;
use sha2::{Digest as _, Sha256};

use super::Upstream;
use crate::error::Error;
use crate::transport::Via;

/// Connections that no other target uses.
#[derive(Clone, Debug)]
pub(super) struct Own {
    pub(super) upstream: Upstream,
    tls: Option<TargetTls>,
    /// What was in the files that `tls` names.
    digest: [u8; 32],
    via: Option<Via>,
}

impl Own {
    /// Those of a target at that address, if it needs some. The files that it names are read now.
    pub(super) fn of(target: &config::Target, address: &Uri) -> Result<Option<Self>, Error> {
        let via = Via::to(address, target.proxy.as_ref())?;
        let tls = target.tls.clone();
        if via.is_none() && tls.is_none() {
            return Ok(None);
        }
        let upstream = Upstream::with(tls.as_ref(), via.as_ref())?;
        let mut sha = Sha256::new();
        for bytes in tls.iter().flat_map(TargetTls::files).filter_map(|path| std::fs::read(path).ok()) {
            sha.update(bytes.len().to_le_bytes());
            sha.update(bytes);
        }
        Ok(Some(Self { upstream, tls, digest: sha.finalize().into(), via }))
    }

    /// Whether connections of the one are as good as those of the other.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let files =
            |own: &Self| own.tls.as_ref().map(|tls| tls.files().map(str::to_owned).collect::<Vec<_>>());
        self.digest == other.digest && self.via == other.via && files(self) == files(other)
    }
}
