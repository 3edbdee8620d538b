//! `kt completions`: the completions of a shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Exit, Terminal};

/// Print the completions of a shell.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kt completions bash > /etc/bash_completion.d/kt")]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run<C: CommandFactory>(self, terminal: &mut Terminal) -> Exit {
        // Into memory first: `clap_complete` panics when it cannot write.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut C::command(), "kt", &mut script);
        terminal.print(&script);
        Exit::Well
    }
}
