//! The position of a sink in the log, in a file beside it. It is written after the other side has the records, so a crash can
//! only have them sent again.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::audit::Hash;

/// The last record that a sink has, and where its line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cursor {
    pub(super) seq: u64,
    pub(super) hash: Hash,
    /// The number of the first record of its segment.
    pub(super) segment: u64,
    /// Where its line begins in the file, and where the next does.
    pub(super) start: u64,
    pub(super) end: u64,
}

/// The file of a sink's position.
#[derive(Clone, Debug)]
pub(super) struct CursorFile {
    path: PathBuf,
    fresh: PathBuf,
}

impl CursorFile {
    pub(super) fn of(folder: &Path, sink: &str) -> Self {
        let path = folder.join(format!("sink-{sink}.cursor"));
        Self { fresh: path.with_extension("cursor.new"), path }
    }

    /// The position; nothing when there is none that can be read.
    pub(super) fn read(&self) -> io::Result<Option<Cursor>> {
        match std::fs::read(&self.path) {
            Ok(text) => Ok(serde_json::from_slice(&text).ok()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether there is one, be it readable or not.
    pub(super) fn exists(&self) -> bool {
        self.path.exists()
    }

    /// Writes the position beside the old one, and puts it in its place.
    pub(super) fn write(&self, cursor: &Cursor) -> io::Result<()> {
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&self.fresh)?;
        file.write_all(&serde_json::to_vec(cursor)?)?;
        file.write_all(b"\n")?;
        file.sync_data()?;
        std::fs::rename(&self.fresh, &self.path)
    }
}
