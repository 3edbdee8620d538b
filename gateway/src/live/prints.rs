//! What was in which file, as digests: whether anything has changed since.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

/// A digest of each file; none for one that is not there. Contents count, not times: a file that is written as it was
/// has not changed, and a link that leads to another file has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Prints(BTreeMap<PathBuf, Option<u64>>);

impl Prints {
    /// Those files as they are.
    pub(super) fn now(files: impl IntoIterator<Item = PathBuf>) -> Self {
        Self(files.into_iter().map(|path| (path.clone(), print(&path))).collect())
    }

    /// The same files as they are by now.
    pub(super) fn again(&self) -> Self {
        Self::now(self.0.keys().cloned())
    }

    /// Those files, of which some were looked at before: these stay as they were then.
    pub(super) fn with(files: impl IntoIterator<Item = PathBuf>, mut before: Self) -> Self {
        let one = |path: PathBuf| match before.0.remove_entry(&path) {
            Some(known) => known,
            None => (path.clone(), print(&path)),
        };
        Self(files.into_iter().map(one).collect())
    }
}

/// Only of plain files: to read a pipe is to take what is in it.
fn print(path: &Path) -> Option<u64> {
    let bytes = path.is_file().then(|| std::fs::read(path).ok()).flatten()?;
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    Some(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_count_and_what_was_known_before_stays() {
        let folder = tempfile::tempdir().unwrap();
        let [here, gone] = ["a", "b"].map(|name| folder.path().join(name));
        std::fs::write(&here, "1").unwrap();
        let first = Prints::now([here.clone(), gone.clone()]);
        std::fs::write(&here, "1").unwrap();
        assert_eq!(first.again(), first);
        std::fs::write(&here, "2").unwrap();
        let second = first.again();
        assert_ne!(second, first);
        assert_eq!(Prints::with([here, gone.clone()], first.clone()), first);
        std::fs::write(&gone, "").unwrap();
        assert_ne!(second.again(), second);
    }
}
