//! `kt policy lint`: check a configuration or a rule file.

use std::path::PathBuf;

use clap::Args;
use grammar::ast::ItemKind;
use grammar::{Diagnostic, Sources};
use serde_json::{Value, json};

use super::is_rule_file;
use crate::cli::{Exit, Terminal};
use crate::packs::warnings::{self, Checked};
use crate::packs::{self, Loaded, Shelf};

/// Check a configuration or a rule file.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kt policy lint --file policy-config.yaml
  kt policy lint --file rules/house.ktr --json
  kt policy lint --file rules/house.ktr --deny-warnings

Exit codes: 0 valid, 2 not valid or not readable, or with warnings that are denied.")]
pub(in crate::cli) struct Lint {
    /// The configuration (YAML) or rule file (.ktr)
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
    /// Let warnings fail as errors do
    #[arg(long)]
    deny_warnings: bool,
}

/// A file that was looked at.
struct Linted {
    diagnostics: Vec<Diagnostic>,
    sources: Sources,
    /// Name and version of the pack or policy.
    pack: (String, String),
    chain: Vec<String>,
    rules: usize,
}

impl Lint {
    pub(super) fn run(self, terminal: &mut Terminal) -> Exit {
        let linted = if is_rule_file(&self.file) { rule_file(&self.file) } else { configuration(&self.file) };
        let linted = match linted {
            Ok(linted) => linted,
            Err(sentence) if self.json => {
                let error = json!({"code": "E014", "path": null, "line": null, "column": null, "message": sentence, "suggestion": null});
                terminal.line(
                    json!({"valid": false, "file": self.file, "errors": [error], "warnings": []}).to_string(),
                );
                return Exit::Failed;
            }
            Err(sentence) => return terminal.fail(sentence),
        };
        let valid = !linted.diagnostics.iter().any(Diagnostic::is_error);
        if self.json {
            terminal.line(self.report(&linted, valid).to_string());
        } else {
            terminal.diagnostics(&linted.diagnostics, &linted.sources);
            if valid {
                self.praise(&linted, terminal);
            } else {
                let errors = linted.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
                let plural = if errors == 1 { "" } else { "s" };
                terminal.note(format!("{}: {errors} error{plural}", self.file.display()));
            }
        }
        let denied = self.deny_warnings && !linted.diagnostics.is_empty();
        if valid && !denied { Exit::Well } else { Exit::Failed }
    }

    fn praise(&self, linted: &Linted, terminal: &mut Terminal) {
        let ok = terminal.good("OK");
        terminal.line(format!("{ok} {} is valid", self.file.display()));
        let (name, version) = &linted.pack;
        let what = if is_rule_file(&self.file) { "Policy" } else { "Pack" };
        let version = if version.is_empty() { String::new() } else { format!(" (v{version})") };
        terminal.line(format!("{what}: {name}{version}"));
        if !is_rule_file(&self.file) {
            let chain = linted.chain.join(" -> ");
            terminal.line(format!("Chain: {}", if chain.is_empty() { "(empty)" } else { &chain }));
            terminal.line(format!("Policies validated: {}", linted.chain.len()));
        } else {
            terminal.line(format!("Rules: {}", linted.rules));
        }
    }

    fn report(&self, linted: &Linted, valid: bool) -> Value {
        let of = |errors: bool| -> Vec<Value> {
            let wanted = linted.diagnostics.iter().filter(|diagnostic| diagnostic.is_error() == errors);
            wanted.map(|diagnostic| packs::as_json(diagnostic, &linted.sources)).collect()
        };
        if !valid {
            return json!({"valid": false, "file": self.file, "errors": of(true), "warnings": of(false)});
        }
        json!({
            "valid": true,
            "file": self.file,
            "pack": {"name": linted.pack.0, "version": linted.pack.1},
            "chain": linted.chain,
            "policy_count": linted.chain.len(),
            "warnings": of(false),
        })
    }
}

fn configuration(path: &std::path::Path) -> Result<Linted, String> {
    let mut loaded = packs::load(&[path.to_owned()])?;
    let told = warnings::of_configuration(&loaded);
    loaded.diagnostics.extend(told);
    grammar::diagnostic::sort(&mut loaded.diagnostics);
    let Loaded { pack, config, diagnostics, sources, .. } = loaded;
    let name =
        config.as_ref().map(|config| (config.pack.name.value.clone(), config.pack.version.value.clone()));
    let chain = config
        .map_or(Vec::new(), |config| config.policies.chain.into_iter().map(|entry| entry.value).collect());
    let rules = pack.map_or(0, |pack| pack.program.rule_count());
    Ok(Linted { diagnostics, sources, pack: name.unwrap_or_default(), chain, rules })
}

fn rule_file(path: &std::path::Path) -> Result<Linted, String> {
    let text = packs::read(path)?;
    let mut sources = Sources::new();
    let source = sources.add(path.display().to_string(), text.clone());
    let Checked { file, diagnostics, .. } = warnings::of_rule_file(source, &text, &Shelf, &mut sources);
    let version = file.items.iter().find_map(|item| match &item.kind {
        ItemKind::Version(version) => Some(version.value.clone()),
        _ => None,
    });
    let name = packs::policy_of(&file).unwrap_or_default().to_owned();
    let rules = file.items.iter().filter(|item| matches!(item.kind, ItemKind::Rule(_))).count();
    let pack = (name.clone(), version.unwrap_or_default());
    Ok(Linted { diagnostics, sources, pack, chain: vec![name], rules })
}
