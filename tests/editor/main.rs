//! What editors use: the language server, the formatter's command, the files of `book/editors`.

mod client;
mod command;
mod files;
mod server;
