//! Where rule files find what they `use`: the shipped libraries, and files beside them.

use std::borrow::Cow;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use engine::Library;
use grammar::MAX_FILE;

use super::shipped;

/// The largest model file, in bytes.
const MAX_MODEL: u64 = 2 << 20;

/// The shipped libraries, and the file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shelf;

impl Library for Shelf {
    fn library(&self, name: &str) -> Option<(String, String)> {
        shipped::find(shipped::LIBRARIES, name).map(|file| (file.path.to_owned(), file.text.to_owned()))
    }

    fn names(&self) -> Vec<String> {
        shipped::LIBRARIES.iter().map(|file| file.name.to_owned()).collect()
    }

    fn model(&self, from: &str, name: &str) -> Option<Cow<'_, [u8]>> {
        if let Some(model) = shipped_model(name) {
            return Some(model);
        }
        // A name without a slash is never a file's, so that a misspelt one is told as such.
        let path = name.contains('/').then(|| beside(Path::new(from), name))?;
        let file = std::fs::File::open(path).ok()?;
        let mut bytes = Vec::new();
        // One byte more than the largest: the engine then says that it is too long.
        file.take(MAX_MODEL + 1).read_to_end(&mut bytes).ok()?;
        Some(Cow::Owned(bytes))
    }

    fn models(&self) -> Vec<String> {
        shipped::MODELS.iter().map(|model| model.name.to_owned()).collect()
    }

    fn file(&self, from: &str, path: &str) -> Result<(String, String), String> {
        let path = beside(Path::new(from), path);
        let text = read(&path)?;
        Ok((path.display().to_string(), text))
    }
}

/// The shipped model of that name.
pub(crate) fn shipped_model(name: &str) -> Option<Cow<'static, [u8]>> {
    shipped::MODELS.iter().find(|model| model.name == name).map(|model| Cow::Borrowed(model.bytes))
}

/// A path written in a file, seen from where the reader stands.
pub(crate) fn beside(from: &Path, path: &str) -> PathBuf {
    let folder = from.parent().unwrap_or(Path::new(""));
    folder.join(path.strip_prefix("./").unwrap_or(path))
}

/// The text of a file, or a sentence about why there is none.
pub fn read(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let file = std::fs::File::open(path).map_err(|error| sentence(path, &error))?;
    let mut bytes = Vec::new();
    // What a device or a pipe holds has no length beforehand.
    file.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes).map_err(|error| sentence(path, &error))?;
    if bytes.len() > MAX_FILE {
        return Err(format!("`{shown}` is longer than 1 MiB, and that is the most that is read"));
    }
    String::from_utf8(bytes).map_err(|error| {
        format!(
            "`{shown}` is not UTF-8: byte {} is not text; save it as UTF-8",
            error.utf8_error().valid_up_to()
        )
    })
}

fn sentence(path: &Path, error: &std::io::Error) -> String {
    let shown = path.display();
    match error.kind() {
        std::io::ErrorKind::NotFound => format!("there is no file `{shown}`; check the path"),
        std::io::ErrorKind::PermissionDenied => format!("`{shown}` may not be read; check its permissions"),
        std::io::ErrorKind::IsADirectory => format!("`{shown}` is a folder; name a file in it"),
        _ => format!("`{shown}` cannot be read: {error}"),
    }
}
