//! Go to definition. What ships with `kt` is opened from a read-only copy in the user's cache.

use std::path::{Path, PathBuf};

use lsp_types::{Location, Uri};

use super::document::{Documents, Used};
use super::names::{Origin, origin};
use super::place;

pub(super) fn of(documents: &Documents, path: &Path, uri: &Uri, text: &str, at: usize) -> Option<Location> {
    match origin(documents, path, text, at)? {
        Origin::Here(found) => {
            Some(Location { uri: uri.clone(), range: place::range(text, found.at.start, found.at.end) })
        }
        Origin::Used(found, used) => {
            let range = place::range(&used.text, found.at.start, found.at.end);
            Some(Location { uri: address(&used)?, range })
        }
        Origin::File(used) => Some(Location { uri: address(&used)?, range: place::range("", 0, 0) }),
    }
}

fn address(used: &Used) -> Option<Uri> {
    let path = if used.is_shipped { copy(used)? } else { PathBuf::from(&used.name) };
    place::uri(&path)
}

/// A copy of a shipped file, written once a version and text. Nobody reads it but people.
fn copy(used: &Used) -> Option<PathBuf> {
    let path = cache_dir()?.join(env!("CARGO_PKG_VERSION")).join(&used.name);
    if std::fs::read_to_string(&path).is_ok_and(|text| text == used.text) {
        return Some(path);
    }
    let folder = path.parent()?;
    std::fs::create_dir_all(folder).ok()?;
    let mut file = tempfile::NamedTempFile::new_in(folder).ok()?;
    std::io::Write::write_all(&mut file, used.text.as_bytes()).ok()?;
    let mut permissions = file.as_file().metadata().ok()?.permissions();
    permissions.set_readonly(true);
    file.as_file().set_permissions(permissions).ok()?;
    file.persist(&path).ok()?;
    Some(path)
}

/// `$XDG_CACHE_HOME/kt`, or `~/.cache/kt`.
fn cache_dir() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || set("HOME").map(|home| home.join(".cache"));
    Some(set("XDG_CACHE_HOME").filter(|path| path.is_absolute()).or_else(home)?.join("kt"))
}
