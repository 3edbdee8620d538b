// Starts `kt lsp` for rule files and configurations.
"use strict";

const { workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

function activate() {
  const command = workspace.getConfiguration("kt").get("path") || "kt";
  client = new LanguageClient(
    "kt",
    "kt",
    { command, args: ["lsp"] },
    {
      documentSelector: [
        { language: "ktr" },
        { scheme: "file", pattern: "**/policy-config.yaml" },
      ],
    },
  );
  return client.start();
}

function deactivate() {
  return client ? client.stop() : undefined;
}

module.exports = { activate, deactivate };
