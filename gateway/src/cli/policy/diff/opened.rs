//! One side of a comparison, compiled: a rule file, a library, a configuration, a folder, or a shipped policy.

use std::path::Path;
use std::sync::Arc;

use engine::compare::Side;
use engine::{Program, Unit};
use grammar::ast::File;
use grammar::{Diagnostic, Sources};

use crate::cli::policy::is_rule_file;
use crate::packs::{self, Loaded, Pack, Shelf};

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
        if let Some(kind) = path.to_str().filter(|_| !path.exists()).and_then(packs::one_kind) {
            return Ok(Self::of_chain(kind));
        }
        if !is_rule_file(path) {
            return Ok(Self::of_chain(packs::load(&[path.to_owned()])?));
        }
        let text = packs::read(path)?;
        match packs::header(&text) {
            Some((true, _)) => Ok(Self::of_library(path, text)),
            _ => Ok(Self::of_chain(packs::one_file(path)?)),
        }
    }

    fn of_chain(loaded: Loaded) -> Self {
        let Loaded { pack, diagnostics, sources, files, .. } = loaded;
        let program = pack.as_ref().map(|pack| Arc::clone(&pack.program));
        Self { program, pack, files, sources, errors: errors(diagnostics) }
    }

    fn of_library(path: &Path, text: String) -> Self {
        let mut sources = Sources::new();
        let unit = Unit::of(sources.add(path.display().to_string(), text));
        let compiled = engine::case::compile_library(&unit, &Shelf, &mut sources);
        let errors = errors(compiled.diagnostics);
        Self { program: compiled.program, pack: None, files: compiled.files, sources, errors }
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

fn errors(diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.into_iter().filter(Diagnostic::is_error).collect()
}
