//! `kt init`: a configuration, a rule file and passing tests to start from.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Exit, Terminal};

/// Write a configuration, a rule file and passing tests to start from.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kt init --dir my-pack && kt policy test --pack-dir my-pack
  kt init --template agent --dir my-agent")]
pub(super) struct Init {
    /// Folder to write into; it is made when it does not exist
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// What to start from
    #[arg(long, value_name = "NAME", value_enum, default_value_t = Template::Starter)]
    template: Template,
}

/// `--template`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Template {
    /// Attacks on the prompt, personal data, and names that stay in the house
    Starter,
    /// The tools of an agent, and a person's word before what cannot be undone
    Agent,
    /// Secrets, personal data and confidential documents
    Dlp,
    /// What requests may cost, and how many there may be
    Spend,
}

/// The files of a template as they stand in the source tree: where each is written, and what it says.
macro_rules! files {
    ($folder:literal, $rules:literal) => {
        [
            ("policy-config.yaml", files!(@ $folder, "policy-config.yaml")),
            ($rules, files!(@ $folder, $rules)),
            ("tests/cases.yaml", files!(@ $folder, "tests/cases.yaml")),
        ]
    };
    (@ $folder:literal, $path:literal) => {
        include_str!(concat!("../../../policies/examples/", $folder, "/", $path))
    };
}

impl Template {
    fn files(self) -> [(&'static str, &'static str); 3] {
        match self {
            Template::Starter => files!("starter", "rules/house.ktr"),
            Template::Agent => files!("agent", "rules/approval.ktr"),
            Template::Dlp => files!("dlp", "rules/marked.ktr"),
            Template::Spend => files!("spend", "rules/answers.ktr"),
        }
    }
}

impl Init {
    pub(super) fn run(self, terminal: &mut Terminal) -> Exit {
        let files = self.template.files();
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
