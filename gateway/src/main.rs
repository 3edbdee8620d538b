//! The `kt` command.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A request takes some hundred small pieces of memory, and threads hand them to each other.
#[global_allocator]
static MEMORY: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    gateway::cli::run()
}
