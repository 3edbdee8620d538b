//! Load on the gateway and on its peers: what they take of the processor, of time, and of memory.
//!
//! `run` builds and starts it. All that it starts are its own children, and it ends them by their process group.

mod children;
mod client;
mod drive;
mod figures;
mod hold;
mod memory;
mod options;
mod peers;
mod provider;
mod rounds;
mod table;

use std::process::ExitCode;

use options::{Options, Task};

/// What can go wrong is told in a sentence.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = match (runtime, Options::read(std::env::args().skip(1))) {
        (Ok(runtime), Ok(options)) => runtime.block_on(run(options)),
        (Err(error), _) => Err(error.into()),
        (_, Err(error)) => Err(error),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<()> {
    let work = async {
        match &options.task {
            Task::Provider { port } => provider::serve(*port).await,
            Task::Drive(drive) => drive::alone(drive).await,
            Task::Rounds => rounds::run(&options).await,
            Task::Memory => memory::run(&options).await,
        }
    };
    tokio::select! {
        done = work => done,
        _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
    }
}
