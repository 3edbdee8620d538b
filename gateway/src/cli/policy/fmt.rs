//! `kt policy fmt`: lay rule files out in the one way.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use grammar::fmt::{Refusal, format};
use grammar::{MAX_FILE, Sources};
use similar::TextDiff;

use super::is_rule_file;
use crate::cli::{Exit, Terminal};
use crate::packs;

/// Lay rule files out in the one way.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kt policy fmt rules
  kt policy fmt --check policies tests/house.ktr
  kt policy fmt - < house.ktr

Exit codes: 0 done, 1 with --check: a file is laid out otherwise, 2 a file has mistakes or cannot be read or written.")]
pub(in crate::cli) struct Fmt {
    /// Rule files (.ktr), folders of them, or `-` for the standard input
    #[arg(value_name = "FILE", default_value = ".")]
    paths: Vec<PathBuf>,
    /// Change nothing; show what would change
    #[arg(long)]
    check: bool,
    /// Format the standard input to the standard output, as `-` does
    #[arg(long, conflicts_with = "paths")]
    stdin: bool,
}

impl Fmt {
    pub(super) fn run(self, terminal: &mut Terminal) -> Exit {
        if self.stdin || self.paths.iter().any(|path| path.as_os_str() == "-") {
            if self.paths.len() > 1 {
                return terminal.fail("`-` stands alone: name files, or read the standard input");
            }
            return self.filter(terminal);
        }
        let mut files = Vec::new();
        for path in &self.paths {
            if let Err(sentence) = collect(path, &mut files) {
                return terminal.fail(sentence);
            }
        }
        files.sort();
        files.dedup();
        if files.is_empty() {
            return terminal.fail("there is no rule file (`.ktr`) to format");
        }
        let exits: Vec<Exit> = files.iter().map(|file| self.file(file, terminal)).collect();
        worst(&exits)
    }

    fn filter(&self, terminal: &mut Terminal) -> Exit {
        let mut text = String::new();
        let most = MAX_FILE as u64 + 1;
        if let Err(error) = std::io::stdin().lock().take(most).read_to_string(&mut text) {
            return terminal.fail(format!("the standard input cannot be read: {error}"));
        }
        match formatted("<stdin>", &text, terminal) {
            None => Exit::Failed,
            Some(result) if self.check => differs(Path::new("<stdin>"), &text, &result, terminal),
            Some(result) => {
                terminal.print(result.as_bytes());
                Exit::Well
            }
        }
    }

    fn file(&self, path: &Path, terminal: &mut Terminal) -> Exit {
        let text = match packs::read(path) {
            Ok(text) => text,
            Err(sentence) => return terminal.fail(sentence),
        };
        let Some(result) = formatted(&path.display().to_string(), &text, terminal) else {
            return Exit::Failed;
        };
        if self.check {
            return differs(path, &text, &result, terminal);
        }
        if result != text {
            if let Err(error) = replace(path, &result) {
                return terminal.fail(format!("`{}` cannot be written: {error}", path.display()));
            }
            terminal.line(format!("formatted {}", path.display()));
        }
        Exit::Well
    }
}

/// The rule files under a path. Hidden folders are passed over; a file that is named is taken whatever its ending.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let unreadable = |error| format!("`{}` cannot be read: {error}", path.display());
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let kind = entry.file_type().map_err(unreadable)?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        // A link to a folder may lead back to where it stands.
        if kind.is_dir() && !is_hidden {
            collect(&entry.path(), files)?;
        } else if !kind.is_dir() && !entry.path().is_dir() && is_rule_file(&entry.path()) {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// The text in the one layout; or nothing, and the reason is told.
fn formatted(name: &str, text: &str, terminal: &mut Terminal) -> Option<String> {
    let mut sources = Sources::new();
    let source = sources.add(name, text);
    match format(source, text) {
        Ok(result) => Some(result),
        Err(Refusal::Mistakes(mistakes)) => {
            terminal.diagnostics(&mistakes, &sources);
            terminal.note(format!("{name}: not formatted, for it has mistakes"));
            None
        }
        Err(Refusal::Changed) => {
            terminal.fail(format!(
                "`{name}` was left as it is: laid out anew it would not read the same, which is a mistake of `kt`; please report it"
            ));
            None
        }
    }
}

/// Shows what formatting would change.
fn differs(path: &Path, text: &str, result: &str, terminal: &mut Terminal) -> Exit {
    if text == result {
        return Exit::Well;
    }
    let name = path.display().to_string();
    let diff = TextDiff::from_lines(text, result);
    terminal.print(diff.unified_diff().header(&name, &name).to_string().as_bytes());
    terminal.note(format!("{name}: would be formatted"));
    Exit::Wanting
}

/// Writes a file in one step: whoever reads it sees the old text or the new one. A link stays a link.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let path = std::fs::canonicalize(path)?;
    let permissions = std::fs::metadata(&path)?.permissions();
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(permissions)?;
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(())
}

fn worst(exits: &[Exit]) -> Exit {
    if exits.contains(&Exit::Failed) {
        Exit::Failed
    } else if exits.contains(&Exit::Wanting) {
        Exit::Wanting
    } else {
        Exit::Well
    }
}
