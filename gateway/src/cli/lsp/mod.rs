//! `kt lsp`: the language server for editors, over the standard input and output.

mod completion;
mod definition;
mod diagnostics;
mod document;
mod formatting;
mod hover;
mod names;
mod place;
mod server;
mod symbols;
mod words;

use clap::Args;
use lsp_server::Connection;
use lsp_types::{
    CompletionOptions, HoverProviderCapability, OneOf, ServerCapabilities, TextDocumentSyncCapability,
    TextDocumentSyncKind,
};

use super::{Exit, Terminal};

/// Serve editors: mistakes, hover, completion, definitions, formatting
#[derive(Debug, Args)]
#[command(
    after_help = "An editor starts it and speaks the Language Server Protocol with it over the standard input and output.
Example:
  vim.lsp.start({ name = \"kt\", cmd = { \"kt\", \"lsp\" } })       in Neovim"
)]
pub(super) struct Lsp {
    /// Taken for editors that ask for it; there is no other way
    #[arg(long)]
    stdio: bool,
}

impl Lsp {
    pub(super) fn run(self, terminal: &mut Terminal) -> Exit {
        let (connection, threads) = Connection::stdio();
        let ended = serve(&connection);
        drop(connection);
        let joined = threads.join();
        match ended.and_then(|()| joined.map_err(|error| error.to_string())) {
            Ok(()) => Exit::Well,
            Err(sentence) => terminal.fail(format!("the editor's connection broke: {sentence}")),
        }
    }
}

fn serve(connection: &Connection) -> Result<(), String> {
    let (id, _) = connection.initialize_start().map_err(|error| error.to_string())?;
    let result = serde_json::json!({
        "capabilities": capabilities(),
        "serverInfo": {"name": "kt", "version": env!("CARGO_PKG_VERSION")},
    });
    connection.initialize_finish(id, result).map_err(|error| error.to_string())?;
    server::Server::new(connection).run()
}

/// What it can do. Places are counted in UTF-16, which every editor speaks.
fn capabilities() -> ServerCapabilities {
    ServerCapabilities {
        text_document_sync: Some(TextDocumentSyncCapability::Kind(TextDocumentSyncKind::FULL)),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(vec![".".into(), "(".into(), " ".into()]),
            ..CompletionOptions::default()
        }),
        definition_provider: Some(OneOf::Left(true)),
        document_symbol_provider: Some(OneOf::Left(true)),
        document_formatting_provider: Some(OneOf::Left(true)),
        ..ServerCapabilities::default()
    }
}
