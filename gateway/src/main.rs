//! The `kt` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    gateway::cli::run()
}
