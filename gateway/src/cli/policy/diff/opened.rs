//! One side of a comparison, compiled: a rule file, a library, a configuration, a folder, or a shipped policy.

use std::path::Path;
use std::sync::Arc;

use engine::compare::Side;
use engine::{Program, Unit};
use grammar::ast::File;
use grammar::diagnostic::nearest;
use grammar::{Diagnostic, Sources};

use crate::cli::policy::is_rule_file;
use crate::packs::{self, Loaded, Pack, Shelf, shipped};

/// A side.
pub(super) struct Opened {
    /// Absent when there are mistakes.
    pub(super) program: Option<Arc<Program>>,
    /// Absent for a library, which judges nothing by itself.
    pub(super) pack: Option<Arc<Pack>>,
    files: Vec<File>,
    pub(super) sources: Sources,
    pub(super) errors: Vec<Diagnostic>,
}

impl Opened {
    /// What a path or name stands for.
    pub(super) fn new(path: &Path) -> Result<Self, String> {
        if path.is_dir() {
            return Ok(Self::of_chain(packs::load(&[path.join("policy-config.yaml")])?));
        }
        if let Some(name) = path.to_str().filter(|name| !path.exists() && is_name(name)) {
            return Self::of_shipped(name);
        }
        if !is_rule_file(path) {
            return Ok(Self::of_chain(packs::load(&[path.to_owned()])?));
        }
        let text = packs::read(path)?;
        match packs::header(&text) {
            Some((true, _)) => Ok(Self::of_library(path.display().to_string(), text)),
            _ => Ok(Self::of_chain(packs::one_file(path)?)),
        }
    }

    fn of_chain(loaded: Loaded) -> Self {
        let Loaded { pack, diagnostics, sources, files, .. } = loaded;
        let program = pack.as_ref().map(|pack| Arc::clone(&pack.program));
        Self { program, pack, files, sources, errors: errors(diagnostics) }
    }

    /// A policy or a library that ships with `kt`.
    fn of_shipped(name: &str) -> Result<Self, String> {
        if let Some(kind) = packs::one_kind(name) {
            return Ok(Self::of_chain(kind));
        }
        if let Some(library) = shipped::find(shipped::LIBRARIES, name) {
            return Ok(Self::of_library(library.path.to_owned(), library.text.to_owned()));
        }
        let names = shipped::KINDS.iter().chain(shipped::LIBRARIES).map(|shipped| shipped.name);
        let mend =
            nearest(name, names).map_or("check the path".into(), |near| format!("did you mean `{near}`?"));
        Err(format!("there is no file and no shipped policy `{name}`; {mend}"))
    }

    fn of_library(name: String, text: String) -> Self {
        let mut sources = Sources::new();
        let unit = Unit::of(sources.add(name, text));
        let compiled = engine::case::compile_library(&unit, &Shelf, &mut sources);
        let errors = errors(compiled.diagnostics);
        Self { program: compiled.program, pack: None, files: compiled.files, sources, errors }
    }

    /// Whether its configuration switches its policies off.
    pub(super) fn is_disabled(&self) -> bool {
        self.pack.as_ref().is_some_and(|pack| !pack.config.pack.enabled.value)
    }

    /// Whether it is patterns for others to use.
    pub(super) fn is_library(&self) -> bool {
        self.pack.is_none()
    }

    /// What is compared.
    pub(super) fn side(&self) -> Option<Side<'_>> {
        let program = self.program.as_deref()?;
        Some(Side { program, files: &self.files, sources: &self.sources })
    }
}

/// Whether this could be what a shipped file is called, and is no path.
fn is_name(text: &str) -> bool {
    let extension = Path::new(text).extension();
    !text.contains('/') && !extension.is_some_and(|end| end == "ktr" || end == "yaml" || end == "yml")
}

fn errors(diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.into_iter().filter(Diagnostic::is_error).collect()
}
