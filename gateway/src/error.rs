//! Why the gateway cannot start or go on, as sentences for the person who runs it.

use std::fmt;
use std::io;
use std::path::Path;

/// A failure of the gateway itself, with what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(String);

impl Error {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }

    /// An address that cannot be listened on.
    pub(crate) fn listen(address: &str, flag: &str, cause: &io::Error) -> Self {
        let port = address.rsplit_once(':').map_or(address, |(_, port)| port);
        if cause.kind() == io::ErrorKind::AddrInUse {
            return Self(format!(
                "port {port} is in use: another program, or another address of this one, listens on `{address}`; stop it, or choose another port with `{flag}`"
            ));
        }
        if cause.kind() == io::ErrorKind::PermissionDenied {
            return Self(format!(
                "port {port} is reserved: `{address}` needs more rights; choose a port above 1023 with `{flag}`"
            ));
        }
        Self(format!(
            "cannot listen on `{address}`: {cause}; give `{flag}` an address of this machine as HOST:PORT, such as `127.0.0.1:8080`"
        ))
    }

    /// A file or folder that cannot be used.
    pub(crate) fn file(doing: &str, path: &Path, cause: &io::Error) -> Self {
        let mend = match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room",
            _ => "check that it exists and is yours to write",
        };
        Self(format!("cannot {doing} `{}`: {cause}; {mend}", path.display()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}
