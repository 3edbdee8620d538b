//! What is open in the editor, laid over what is on the disk.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use engine::Library;
use grammar::SourceId;
use grammar::ast::{File, Use};
use lsp_types::Uri;

use super::place;
use crate::packs::{self, Shelf};

/// The open documents by path.
#[derive(Debug, Default)]
pub(super) struct Documents {
    open: BTreeMap<PathBuf, Open>,
}

/// A document, and the address that its editor knows it by: another may spell the same path differently.
#[derive(Debug)]
struct Open {
    uri: Uri,
    text: String,
}

/// A file that a document uses: its path, or its place in the source tree when it ships with `kt`.
pub(super) struct Used {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) is_shipped: bool,
}

impl Documents {
    pub(super) fn put(&mut self, uri: Uri, text: String) {
        self.open.insert(place::path(&uri), Open { uri, text });
    }

    pub(super) fn close(&mut self, path: &Path) {
        self.open.remove(path);
    }

    pub(super) fn text(&self, path: &Path) -> Option<&str> {
        self.open.get(path).map(|open| open.text.as_str())
    }

    /// Every document: path, address, text.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Path, &Uri, &str)> {
        self.open.iter().map(|(path, open)| (path.as_path(), &open.uri, open.text.as_str()))
    }

    /// What a `use` of that document names.
    pub(super) fn used(&self, from: &Path, import: &Use) -> Option<Used> {
        let name = import.from.value.as_str();
        let found = if import.is_path {
            self.file(&from.display().to_string(), name).ok()
        } else {
            self.library(name)
        };
        let (name, text) = found?;
        Some(Used { name, text, is_shipped: !import.is_path })
    }
}

impl Library for Documents {
    fn library(&self, name: &str) -> Option<(String, String)> {
        Shelf.library(name)
    }

    fn names(&self) -> Vec<String> {
        Shelf.names()
    }

    fn model(&self, from: &str, name: &str) -> Option<Cow<'_, [u8]>> {
        Shelf.model(from, name)
    }

    fn models(&self) -> Vec<String> {
        Shelf.models()
    }

    fn file(&self, from: &str, path: &str) -> Result<(String, String), String> {
        let there = packs::beside(Path::new(from), path);
        let text = match self.text(&there) {
            Some(text) => text.to_owned(),
            None => packs::read(&there)?,
        };
        Ok((there.display().to_string(), text))
    }
}

/// The tree of a text; items with mistakes are left out.
pub(super) fn tree(text: &str) -> File {
    grammar::parse(SourceId::default(), text).0
}
