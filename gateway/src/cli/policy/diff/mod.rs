//! `kt policy diff`: what changes in behaviour from one rule file, configuration or folder to another.

mod data;
mod json;
mod opened;
mod patterns;
mod told;

use std::path::PathBuf;

use clap::Args;
use engine::compare::changes::Changes;
use engine::compare::{Side, compare, compare_patterns};

use super::data::DataSet;
use crate::cli::{Exit, Terminal};
use data::Differences;
use opened::Opened;

/// Tell what changes in behaviour from one rule file or configuration to another.
#[derive(Debug, Args)]
#[command(
    after_help = "BEFORE and AFTER are each a rule file (.ktr), a configuration, a folder with a `policy-config.yaml`,
or the name of a shipped policy or library. Renaming, layout and order without meaning are no change.

Examples:
  kt policy diff rules/house.ktr house.new.ktr
  kt policy diff main/policy-config.yaml branch/policy-config.yaml --data traffic.jsonl
  kt policy diff pii-detector rules/my-pii.ktr --json

Exit codes: 0 no change in behaviour, 1 something changes, 2 could not run."
)]
pub(in crate::cli) struct Diff {
    /// What was
    #[arg(value_name = "BEFORE")]
    before: PathBuf,
    /// What is
    #[arg(value_name = "AFTER")]
    after: PathBuf,
    /// Judge every line of this JSONL with both, as `kt policy eval` does; `-` is the standard input
    #[arg(long, value_name = "FILE")]
    data: Option<String>,
    /// How many lines to name of each kind of change in the data
    #[arg(long, value_name = "N", default_value_t = 10, requires = "data")]
    show: usize,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

/// All that was found out.
struct Comparison {
    changes: Changes,
    data: Option<Differences>,
}

impl Comparison {
    fn is_same(&self) -> bool {
        self.changes.count() == 0 && self.data.as_ref().is_none_or(Differences::are_none)
    }
}

impl Diff {
    pub(super) fn run(self, terminal: &mut Terminal) -> Exit {
        let (before, after) = match (self.open(&self.before, terminal), self.open(&self.after, terminal)) {
            (Some(before), Some(after)) => (before, after),
            _ => return Exit::Failed,
        };
        for (path, side) in [(&self.before, &before), (&self.after, &after)] {
            if side.is_disabled() {
                terminal.note(format!(
                    "note: `{}` switches its policies off: every request passes",
                    path.display()
                ));
            }
        }
        let compared = match self.compare(&before, &after, terminal) {
            Ok(compared) => compared,
            Err(sentence) => return terminal.fail(sentence),
        };
        if self.json {
            terminal.line(json::object(&self, &compared).to_string());
        } else {
            terminal.line(told::text(&compared, self.show, terminal).trim_end());
        }
        if compared.is_same() { Exit::Well } else { Exit::Wanting }
    }

    /// One side; nothing when it has mistakes, which are told.
    fn open(&self, path: &std::path::Path, terminal: &mut Terminal) -> Option<Opened> {
        match Opened::new(path) {
            Ok(opened) => {
                if opened.program.is_none() {
                    terminal.diagnostics(&opened.errors, &opened.sources);
                    terminal.fail(format!("`{}` has mistakes; nothing was compared", path.display()));
                }
                opened.program.is_some().then_some(opened)
            }
            Err(sentence) => {
                terminal.fail(sentence);
                None
            }
        }
    }

    fn compare(&self, before: &Opened, after: &Opened, terminal: &Terminal) -> Result<Comparison, String> {
        let (Some(old), Some(new)) = (before.side(), after.side()) else {
            return Err("there is nothing to compare".into());
        };
        let changes = self.changes(before, after, &old, &new)?;
        let data = match &self.data {
            None => None,
            Some(name) => {
                let (Some(old), Some(new)) = (&before.pack, &after.pack) else {
                    return Err(
                        "a library judges nothing by itself, so there is nothing to do with `--data`".into(),
                    );
                };
                let mut data = DataSet::open(name, |size| terminal.bar(size))?;
                Some(data::compare(&mut data, old, new)?)
            }
        };
        Ok(Comparison { changes, data })
    }

    fn changes(
        &self,
        before: &Opened,
        after: &Opened,
        old: &Side<'_>,
        new: &Side<'_>,
    ) -> Result<Changes, String> {
        match (before.is_library(), after.is_library()) {
            (false, false) => Ok(compare(old, new)),
            (true, true) => Ok(Changes { patterns: compare_patterns(old, new), ..Changes::default() }),
            (is_library, _) => {
                let (library, other) =
                    if is_library { (&self.before, &self.after) } else { (&self.after, &self.before) };
                Err(format!(
                    "`{}` is a library and `{}` is none; compare two libraries, or two policies",
                    library.display(),
                    other.display()
                ))
            }
        }
    }
}
