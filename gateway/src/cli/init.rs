//! `kt init`: a configuration, a rule file and passing tests to start from.

use std::path::PathBuf;

use clap::Args;

use super::{Exit, Terminal};

/// Write a configuration, a rule file and passing tests to start from.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kt init --dir my-pack && kt policy test --pack-dir my-pack")]
pub(super) struct Init {
    /// Folder to write into; it is made when it does not exist
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
}

const CONFIG: &str = include_str!("../../../policies/examples/starter/policy-config.yaml");
const RULES: &str = include_str!("../../../policies/examples/starter/rules/house.ktr");
const CASES: &str = include_str!("../../../policies/examples/starter/tests/cases.yaml");

impl Init {
    pub(super) fn run(self, terminal: &mut Terminal) -> Exit {
        let files = [("policy-config.yaml", CONFIG), ("rules/house.ktr", RULES), ("tests/cases.yaml", CASES)];
        let taken: Vec<&str> =
            files.iter().map(|(name, _)| *name).filter(|name| self.dir.join(name).exists()).collect();
        if !taken.is_empty() {
            return terminal.fail(format!(
                "`{}` has {} already, and nothing was written; choose another folder with `--dir`",
                self.dir.display(),
                taken.join(", ")
            ));
        }
        for (name, text) in files {
            let path = self.dir.join(name);
            let written = path
                .parent()
                .map_or(Ok(()), std::fs::create_dir_all)
                .and_then(|()| std::fs::write(&path, text));
            if let Err(error) = written {
                return terminal.fail(format!("`{}` cannot be written: {error}", path.display()));
            }
            terminal.line(format!("wrote {}", path.display()));
        }
        terminal.line("");
        terminal.line("Next:");
        let dir = self.dir.display();
        terminal.line(format!("  kt policy test --pack-dir {dir}"));
        terminal.line("  export FIREWORKS_API_KEY=fw_…");
        terminal.line(format!("  kt gateway run --policy-config {dir}/policy-config.yaml"));
        Exit::Well
    }
}
