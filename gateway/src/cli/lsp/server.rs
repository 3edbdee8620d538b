//! Reads what the editor says, and answers.

use std::path::PathBuf;

use lsp_server::{Connection, ErrorCode, Message, Notification, Request, Response};
use lsp_types::notification::{
    DidChangeTextDocument, DidCloseTextDocument, DidOpenTextDocument, Notification as _, PublishDiagnostics,
};
use lsp_types::request::{
    Completion, DocumentSymbolRequest, Formatting, GotoDefinition, HoverRequest, Request as _,
};
use lsp_types::{
    CompletionParams, DidChangeTextDocumentParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams,
    DocumentFormattingParams, DocumentSymbolParams, GotoDefinitionParams, HoverParams,
    PublishDiagnosticsParams, TextDocumentPositionParams, Uri,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::document::Documents;
use super::{completion, definition, diagnostics, formatting, hover, place, symbols};

/// One editor's session.
pub(super) struct Server<'c> {
    connection: &'c Connection,
    documents: Documents,
}

/// Where the cursor is.
struct Cursor<'d> {
    uri: Uri,
    path: PathBuf,
    text: &'d str,
    at: usize,
}

impl<'c> Server<'c> {
    pub(super) fn new(connection: &'c Connection) -> Self {
        Self { connection, documents: Documents::default() }
    }

    /// Until the editor says goodbye.
    pub(super) fn run(mut self) -> Result<(), String> {
        while let Ok(message) = self.connection.receiver.recv() {
            match message {
                Message::Request(request) => {
                    if self.connection.handle_shutdown(&request).map_err(|error| error.to_string())? {
                        return Ok(());
                    }
                    let response = self.answer(request);
                    self.send(Message::Response(response))?;
                }
                Message::Notification(notification) => self.hear(notification)?,
                Message::Response(_) => {}
            }
        }
        Ok(())
    }

    fn send(&self, message: Message) -> Result<(), String> {
        self.connection.sender.send(message).map_err(|error| error.to_string())
    }

    fn answer(&self, request: Request) -> Response {
        let Request { id, method, params } = request;
        let result = match method.as_str() {
            HoverRequest::METHOD => self.hover(params),
            Completion::METHOD => self.completion(params),
            GotoDefinition::METHOD => self.definition(params),
            DocumentSymbolRequest::METHOD => self.symbols(params),
            Formatting::METHOD => self.formatting(params),
            other => {
                let sentence = format!("`{other}` is not known here");
                return Response::new_err(id, ErrorCode::MethodNotFound as i32, sentence);
            }
        };
        match result {
            Ok(value) => Response::new_ok(id, value),
            Err(sentence) => Response::new_err(id, ErrorCode::InvalidParams as i32, sentence),
        }
    }

    fn hover(&self, params: Value) -> Result<Value, String> {
        let params: HoverParams = read(params)?;
        let found = self.cursor(params.text_document_position_params);
        write(found.and_then(|cursor| hover::of(&self.documents, &cursor.path, cursor.text, cursor.at)))
    }

    fn completion(&self, params: Value) -> Result<Value, String> {
        let params: CompletionParams = read(params)?;
        let found = self.cursor(params.text_document_position);
        write(found.map(|cursor| completion::of(&self.documents, &cursor.path, cursor.text, cursor.at)))
    }

    fn definition(&self, params: Value) -> Result<Value, String> {
        let params: GotoDefinitionParams = read(params)?;
        let found = self.cursor(params.text_document_position_params);
        write(found.and_then(|cursor| {
            definition::of(&self.documents, &cursor.path, &cursor.uri, cursor.text, cursor.at)
        }))
    }

    fn symbols(&self, params: Value) -> Result<Value, String> {
        let params: DocumentSymbolParams = read(params)?;
        write(self.documents.text(&place::path(&params.text_document.uri)).map(symbols::of))
    }

    fn formatting(&self, params: Value) -> Result<Value, String> {
        let params: DocumentFormattingParams = read(params)?;
        write(self.documents.text(&place::path(&params.text_document.uri)).and_then(formatting::edits))
    }

    fn cursor(&self, params: TextDocumentPositionParams) -> Option<Cursor<'_>> {
        let uri = params.text_document.uri;
        let path = place::path(&uri);
        let text = self.documents.text(&path)?;
        Some(Cursor { uri, path, text, at: place::byte(text, params.position) })
    }

    fn hear(&mut self, notification: Notification) -> Result<(), String> {
        let Notification { method, params } = notification;
        // What cannot be read is passed over: a notification has no answer that could say so.
        match method.as_str() {
            DidOpenTextDocument::METHOD => {
                let Ok(params) = read::<DidOpenTextDocumentParams>(params) else { return Ok(()) };
                self.documents.put(params.text_document.uri, params.text_document.text);
                self.publish_all()
            }
            DidChangeTextDocument::METHOD => {
                let Ok(params) = read::<DidChangeTextDocumentParams>(params) else { return Ok(()) };
                if let Some(change) = params.content_changes.into_iter().next_back() {
                    self.documents.put(params.text_document.uri, change.text);
                }
                self.publish_all()
            }
            DidCloseTextDocument::METHOD => {
                let Ok(params) = read::<DidCloseTextDocumentParams>(params) else { return Ok(()) };
                self.documents.close(&place::path(&params.text_document.uri));
                self.publish(params.text_document.uri, Vec::new())?;
                self.publish_all()
            }
            _ => Ok(()),
        }
    }

    /// Every open document may use the one that changed.
    fn publish_all(&self) -> Result<(), String> {
        for (path, uri, text) in self.documents.all() {
            self.publish(uri.clone(), diagnostics::of(&self.documents, path, text))?;
        }
        Ok(())
    }

    fn publish(&self, uri: Uri, diagnostics: Vec<lsp_types::Diagnostic>) -> Result<(), String> {
        let params = PublishDiagnosticsParams { uri, diagnostics, version: None };
        self.send(Message::Notification(Notification::new(PublishDiagnostics::METHOD.to_owned(), params)))
    }
}

fn read<T: DeserializeOwned>(params: Value) -> Result<T, String> {
    serde_json::from_value(params).map_err(|error| error.to_string())
}

fn write(result: impl Serialize) -> Result<Value, String> {
    serde_json::to_value(result).map_err(|error| error.to_string())
}
