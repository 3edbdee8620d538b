//! What the writer does to its folder. Tests put a disk behind it that is full, or forgets what was not synced.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::checkpoint::SLOT;
use super::segment::{ACTIVE, CHECKPOINT, LOCK};
use crate::error::Error;

/// How often it is looked at whether the file that is written is still in its folder.
const LOOK: Duration = Duration::from_secs(1);

/// A folder of files that are only appended to, cut back, renamed and removed.
pub(super) trait Disk: Send {
    /// Adds to the end of the file that is written; makes it when there is none.
    fn append(&mut self, lines: &[u8]) -> io::Result<()>;
    /// Cuts that file back to a length.
    fn cut(&mut self, length: u64) -> io::Result<()>;
    /// Forces that file to the disk.
    fn sync(&mut self) -> io::Result<()>;
    /// Gives that file its last name and begins a new one; both last. May be repeated after a failure.
    fn rotate(&mut self, name: &str) -> io::Result<()>;
    /// Copies that file from an offset on to the end of another file, which lasts.
    fn set_aside(&mut self, offset: u64, name: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&mut self, name: &str) -> io::Result<()>;
    /// Writes one slot of the checkpoint.
    fn mark(&mut self, slot: usize, text: &[u8]) -> io::Result<()>;
    /// Forces the checkpoint to the disk.
    fn sync_marks(&mut self) -> io::Result<()>;
}

/// The folder as it is.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    active: Option<File>,
    checkpoint: Option<File>,
    /// When the file that is written was last seen in its folder.
    seen: Option<Instant>,
    _lock: File,
}

impl Folder {
    /// Opens a folder, makes it when there is none, and keeps other writers out.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|e| Error::file("make the folder", path, &e))?;
        for parent in path.ancestors().skip(1).take(2) {
            // Where this cannot be done, a power failure may take a folder that was made just now.
            File::open(parent).and_then(|parent| parent.sync_all()).ok();
        }
        let lock = path.join(LOCK);
        let opened = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&lock);
        let opened = opened.map_err(|e| Error::file("open the lock of the audit log", &lock, &e))?;
        match opened.try_lock() {
            Ok(()) => {
                Ok(Self { path: path.to_owned(), active: None, checkpoint: None, seen: None, _lock: opened })
            }
            Err(TryLockError::WouldBlock) => Err(Error::new(format!(
                "another `kt` writes the audit log in `{}`; stop it, or choose another folder with `--state-dir`",
                path.display()
            ))),
            Err(TryLockError::Error(e)) => Err(Error::file("lock the audit log", &lock, &e)),
        }
    }

    fn active(&mut self) -> io::Result<&File> {
        if self.active.is_none() {
            let path = self.path.join(ACTIVE);
            let opened = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
            self.sync_folder()?; // a file whose name is lost is lost
            self.active = Some(opened);
        }
        self.active.as_ref().ok_or_else(|| ErrorKind::NotFound.into())
    }

    /// What is written to a file without a name is gone with the process.
    fn look(&mut self) -> io::Result<()> {
        if self.seen.is_none_or(|seen| seen.elapsed() >= LOOK) {
            if self.active()?.metadata()?.nlink() == 0 {
                let message = "its file was removed; bring the folder back, and start the gateway again";
                return Err(io::Error::new(ErrorKind::NotFound, message));
            }
            self.seen = Some(Instant::now());
        }
        Ok(())
    }

    fn checkpoint(&mut self) -> io::Result<&File> {
        if self.checkpoint.is_none() {
            let path = self.path.join(CHECKPOINT);
            let opened =
                OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
            // What stands behind the slots makes the file unreadable, and nothing would ever be written over it.
            let whole = 2 * SLOT as u64;
            if opened.metadata()?.len() > whole {
                opened.set_len(whole)?;
            }
            self.sync_folder()?;
            self.checkpoint = Some(opened);
        }
        self.checkpoint.as_ref().ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

impl Disk for Folder {
    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        self.look()?;
        let mut file = self.active()?;
        file.write_all(lines)
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.active()?.set_len(length)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.active()?.sync_data()
    }

    fn rotate(&mut self, name: &str) -> io::Result<()> {
        self.active = None;
        let sealed = self.path.join(name);
        if !sealed.try_exists()? {
            std::fs::rename(self.path.join(ACTIVE), sealed)?;
        }
        self.active().map(drop)
    }

    fn set_aside(&mut self, offset: u64, name: &str) -> io::Result<()> {
        let mut from = File::open(self.path.join(ACTIVE))?;
        from.seek(SeekFrom::Start(offset))?;
        let path = self.path.join(name);
        let mut to = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        io::copy(&mut from, &mut to)?;
        to.sync_all()?;
        self.sync_folder()
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.path.join(name))?;
        self.sync_folder()
    }

    fn mark(&mut self, slot: usize, text: &[u8]) -> io::Result<()> {
        self.checkpoint()?.write_all_at(text, (slot * SLOT) as u64)
    }

    fn sync_marks(&mut self) -> io::Result<()> {
        self.checkpoint()?.sync_data()
    }
}
