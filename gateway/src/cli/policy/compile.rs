//! `kt policy compile`: what the compiler makes of a file, stage by stage.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use engine::Program;
use grammar::{Diagnostic, Sources};

use super::is_rule_file;
use crate::cli::{Exit, Terminal};
use crate::packs::{self, Shelf};

/// Show what the compiler makes of a file.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kt policy compile --file rules/house.ktr --print ast
  kt policy compile --file policy-config.yaml --print ir
  kt policy compile --file policy-config.yaml --print stats --json")]
pub(in crate::cli) struct Compile {
    /// The configuration (YAML) or rule file (.ktr)
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// The stage to print
    #[arg(long, value_enum, default_value_t = Stage::Ir)]
    print: Stage,
    /// With `--print stats`: one JSON object
    #[arg(long)]
    json: bool,
}

/// `--print`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Stage {
    /// The tree of a rule file
    Ast,
    /// The program
    Ir,
    /// What each pattern and each rule costs
    Stats,
}

impl Compile {
    pub(super) fn run(self, terminal: &mut Terminal) -> Exit {
        if self.json && !matches!(self.print, Stage::Stats) {
            return terminal.fail("`--json` goes with `--print stats`");
        }
        let shown = match self.print {
            Stage::Ast => ast(&self.file, terminal),
            Stage::Ir => program(&self.file, terminal).map(|program| Some(program?.print())),
            Stage::Stats => program(&self.file, terminal).map(|program| {
                let stats = program?.stats();
                Some(if self.json { super::stats::json(&stats).to_string() } else { stats.print() })
            }),
        };
        match shown {
            Ok(Some(text)) => {
                terminal.line(text.trim_end());
                Exit::Well
            }
            Ok(None) => Exit::Failed,
            Err(sentence) => terminal.fail(sentence),
        }
    }
}

fn ast(path: &Path, terminal: &mut Terminal) -> Result<Option<String>, String> {
    if !is_rule_file(path) {
        return Err(format!(
            "`{}` is not a rule file: only a .ktr file has a tree to print; try `--print ir`",
            path.display()
        ));
    }
    let text = packs::read(path)?;
    let mut sources = Sources::new();
    let source = sources.add(path.display().to_string(), text.clone());
    let (file, errors) = grammar::parse(source, &text);
    terminal.diagnostics(&errors, &sources);
    Ok(errors.is_empty().then(|| grammar::print::print(&file)))
}

fn program(path: &Path, terminal: &mut Terminal) -> Result<Option<Arc<Program>>, String> {
    if !is_rule_file(path) {
        let loaded = packs::load(&[path.to_owned()])?;
        terminal.diagnostics(&loaded.diagnostics, &loaded.sources);
        return Ok(loaded.pack.map(|pack| Arc::clone(&pack.program)));
    }
    let text = packs::read(path)?;
    let mut sources = Sources::new();
    let unit = engine::Unit::of(sources.add(path.display().to_string(), text.clone()));
    let compiled = match packs::header(&text) {
        Some((true, _)) => engine::case::compile_library(&unit, &Shelf, &mut sources),
        _ => engine::compile(&[unit], &Shelf, &mut sources),
    };
    let errors: Vec<Diagnostic> = compiled.diagnostics.into_iter().filter(Diagnostic::is_error).collect();
    terminal.diagnostics(&errors, &sources);
    Ok(compiled.program)
}
