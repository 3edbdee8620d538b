//! Why there is no answer.

use std::error::Error;
use std::fmt;

use hyper_util::client::legacy;

type Cause = Box<dyn Error + Send + Sync>;

/// The other side could not be asked, or did not answer.
#[derive(Debug)]
pub(crate) enum Unreached {
    /// Over a connection that may be shared.
    Shared(legacy::Error),
    /// There is no connection.
    Connecting(Cause),
    /// The connection broke.
    Sending(hyper::Error),
}

impl Unreached {
    pub(super) fn connecting(cause: Cause) -> Self {
        Self::Connecting(cause)
    }

    pub(super) fn sending(cause: hyper::Error) -> Self {
        Self::Sending(cause)
    }

    /// An address without a host.
    pub(super) fn nowhere() -> Self {
        Self::Connecting("the address names no host".into())
    }

    /// Whether there was no connection, so that nothing was asked.
    pub(crate) fn is_connect(&self) -> bool {
        match self {
            Unreached::Shared(error) => error.is_connect(),
            Unreached::Connecting(_) => true,
            Unreached::Sending(_) => false,
        }
    }
}

impl fmt::Display for Unreached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unreached::Shared(error) => error.fmt(f),
            Unreached::Connecting(_) => f.write_str("client error (Connect)"),
            Unreached::Sending(_) => f.write_str("client error (SendRequest)"),
        }
    }
}

impl Error for Unreached {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Unreached::Shared(error) => error.source(),
            Unreached::Connecting(cause) => Some(cause.as_ref()),
            Unreached::Sending(cause) => Some(cause),
        }
    }
}
