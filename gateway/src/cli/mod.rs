//! The command line: one file a verb. Exit codes: 0 all is well, 1 something was found wanting, 2 it could not run.

mod audit;
mod completions;
mod doctor;
mod init;
mod key;
mod lsp;
mod policy;
mod serve;
mod state;
mod terminal;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use terminal::{Terminal, shown};

/// The policy engine and gateway for LLM traffic.
#[derive(Debug, Parser)]
#[command(name = "kt", version, arg_required_else_help = true, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

const EXAMPLES: &str = "\
Examples:
  kt gateway run --demo                                 run with an embedded provider, no key needed
  kt gateway run --policy-config policy-config.yaml     run for real
  kt policy lint --file policy-config.yaml              check before traffic
  kt policy test                                        run the tests beside the configuration

Exit codes: 0 all is well, 1 something was found wanting, 2 it could not run.";

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the gateway
    #[command(subcommand)]
    Gateway(GatewayVerb),
    /// Check, test and inspect policies
    #[command(subcommand)]
    Policy(policy::Verb),
    /// Look at the audit log, check it, take it elsewhere
    #[command(subcommand)]
    Audit(audit::Verb),
    /// Check configuration, keys, providers, clock, disk and ports
    Doctor(doctor::Doctor),
    /// Make keys for the clients of the gateway
    #[command(subcommand)]
    Key(key::Verb),
    /// Write a configuration, a rule file and passing tests to start from
    Init(init::Init),
    /// Serve editors: mistakes, hover, completion, definitions, formatting
    Lsp(lsp::Lsp),
    /// Print the completions of a shell
    Completions(completions::Completions),
}

#[derive(Debug, Subcommand)]
enum GatewayVerb {
    /// Serve traffic until SIGINT or SIGTERM
    Run(serve::Run),
}

/// What a verb came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    /// All is well.
    Well,
    /// It ran, and something was found wanting.
    Wanting,
    /// It could not run.
    Failed,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Well => ExitCode::SUCCESS,
            Exit::Wanting => ExitCode::from(1),
            Exit::Failed => ExitCode::from(2),
        }
    }
}

/// What can be written on the command line.
pub fn grammar() -> clap::Command {
    Arguments::command()
}

/// Reads the arguments and does what they say.
pub fn run() -> ExitCode {
    let mut terminal = Terminal::new();
    let exit = match Arguments::parse().verb {
        Verb::Gateway(GatewayVerb::Run(run)) => run.run(&mut terminal),
        Verb::Policy(verb) => verb.run(&mut terminal),
        Verb::Audit(verb) => verb.run(&mut terminal),
        Verb::Doctor(doctor) => doctor.run(&mut terminal),
        Verb::Key(verb) => verb.run(&mut terminal),
        Verb::Init(init) => init.run(&mut terminal),
        Verb::Lsp(lsp) => lsp.run(&mut terminal),
        Verb::Completions(completions) => completions.run::<Arguments>(&mut terminal),
    };
    terminal.end(exit).into()
}
