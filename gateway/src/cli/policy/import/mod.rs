//! `kt policy import`: rules of other tools as rule files.

mod account;
mod allowed;
mod expression;
mod gitleaks;
mod keywords;
mod written;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::cli::{Exit, Terminal};
use crate::packs;

/// Make a rule file of rules for another tool.
#[derive(Debug, Args)]
pub(in crate::cli) struct Import {
    #[command(subcommand)]
    from: From,
}

/// What the rules are for.
#[derive(Debug, Subcommand)]
enum From {
    /// The rules of a gitleaks configuration (TOML)
    #[command(after_help = "Examples:
  kt policy import gitleaks .gitleaks.toml --output rules/secrets.ktr
  kt policy import gitleaks .gitleaks.toml --json 2> account.json > rules/secrets.ktr

What could not be carried over, and why, is told on the standard error.

Exit codes: 0 done, 1 no rule could be carried over, 2 the file cannot be read or written.")]
    Gitleaks(Source),
}

/// The file, and where the rule file goes.
#[derive(Debug, Args)]
struct Source {
    /// The file to read
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where the rule file goes; `-` is the standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// The name of the policy
    #[arg(long, value_name = "NAME", default_value = "gitleaks")]
    name: String,
    /// Give the account as one JSON object
    #[arg(long)]
    json: bool,
}

impl Import {
    pub(super) fn run(self, terminal: &mut Terminal) -> Exit {
        let From::Gitleaks(source) = self.from;
        match source.run(terminal) {
            Ok(exit) => exit,
            Err(sentence) => terminal.fail(sentence),
        }
    }
}

impl Source {
    fn run(&self, terminal: &mut Terminal) -> Result<Exit, String> {
        if !is_name(&self.name) {
            return Err(format!("`{}` is no name of a policy: letters, digits, `-` and `_`", self.name));
        }
        let text = packs::read(&self.file)?;
        let rules = gitleaks::read(&text).map_err(|flaw| format!("`{}`: {flaw}", self.file.display()))?;
        let made = written::write(&self.name, &rules)?;
        if self.output == Path::new("-") {
            terminal.print(made.text.as_bytes());
        } else if let Err(error) = std::fs::write(&self.output, &made.text) {
            return Err(format!("`{}` cannot be written: {error}", self.output.display()));
        }
        if self.json {
            terminal.note(made.account.json().to_string());
        } else {
            made.account.lines().iter().for_each(|line| terminal.note(line));
        }
        Ok(if made.account.carried() > 0 { Exit::Well } else { Exit::Wanting })
    }
}

fn is_name(name: &str) -> bool {
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    begins && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}
