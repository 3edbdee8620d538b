//! `kt policy explain`: why an exchange was judged as it was, rule by rule; and the page of an error code.

mod page;
mod told;

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;
use grammar::codes;
use grammar::diagnostic::did_you_mean;
use serde_json::{Map, Value};

use super::is_rule_file;
use crate::cli::{Exit, Terminal};
use crate::packs::{self, Loaded};
use crate::rehearsal::exchange::Exchange;
use crate::rehearsal::{account, played};
use crate::wire::json as strict_json;

/// The most bytes of an exchange that is read from a file.
const MAX_INPUT: u64 = 16 << 20;

/// Show why an exchange is judged as it is, or the page of an error code.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kt policy explain --file rules/house.ktr --text 'Project Bluebird ships in May'
  kt policy explain --policy-config policy-config.yaml --text 'Hi' --response 'Your card is 4111 1111 1111 1111'
  kt policy explain --policy-config policy-config.yaml --input exchange.json --rule injected
  kt policy explain E016

Exit codes: 0 shown, 2 there is no such code, or it could not run.")]
pub(in crate::cli) struct Explain {
    /// An error code, as in `error[E016]`; shows its page
    #[arg(value_name = "CODE", conflicts_with_all = ["file", "policy_config", "text", "response", "input"])]
    code: Option<String>,
    /// The configuration whose chain judges; may be repeated [default: policy-config.yaml]
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    policy_config: Vec<PathBuf>,
    /// One rule file that judges alone, on its defaults
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// A message of the user
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// The answer to it
    #[arg(long, value_name = "TEXT")]
    response: Option<String>,
    /// An exchange as a JSON object, as a line of `kt policy eval`; `-` is the standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["text", "response"])]
    input: Option<PathBuf>,
    /// Only these rules, each clause of them; as RULE or POLICY.RULE, may be repeated
    #[arg(long, value_name = "RULE")]
    rule: Vec<String>,
    /// Each clause of every rule
    #[arg(long)]
    all: bool,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub(super) fn run(self, terminal: &mut Terminal) -> Exit {
        match &self.code {
            Some(code) => code_page(code, terminal),
            None => self.exchange(terminal),
        }
    }

    fn exchange(self, terminal: &mut Terminal) -> Exit {
        let loaded = match &self.file {
            Some(file) if is_rule_file(file) => packs::one_file(file),
            Some(file) => packs::load(std::slice::from_ref(file)),
            None if self.policy_config.is_empty() => packs::load(&[PathBuf::from("policy-config.yaml")]),
            None => packs::load(&self.policy_config),
        };
        let Loaded { pack, diagnostics, sources, .. } = match loaded {
            Ok(loaded) => loaded,
            Err(sentence) => return terminal.fail(sentence),
        };
        let Some(pack) = pack else {
            let errors: Vec<_> = diagnostics.into_iter().filter(grammar::Diagnostic::is_error).collect();
            terminal.diagnostics(&errors, &sources);
            return Exit::Failed;
        };
        let played = self.given().and_then(Exchange::read).and_then(|exchange| played::play(exchange, &pack));
        let mut played = match played {
            Ok(played) => played,
            Err(sentence) => return terminal.fail(sentence),
        };
        if let Err(sentence) = played.keep_rules(&self.rule) {
            return terminal.fail(sentence);
        }
        if self.json {
            terminal.line(account::object(&played, &sources).to_string());
        } else {
            let in_full = self.all || !self.rule.is_empty();
            terminal.line(told::text(&played, &sources, in_full, terminal).trim_end());
        }
        Exit::Well
    }

    /// What a person says happened.
    fn given(&self) -> Result<Map<String, Value>, String> {
        if let Some(path) = &self.input {
            let bytes = read(path)?;
            return match strict_json::parse(&bytes).map_err(|flaw| flaw.to_string()) {
                Ok(Value::Object(fields)) => Ok(fields),
                Ok(_) => Err(format!("`{}` is not a JSON object", path.display())),
                Err(flaw) => Err(format!("`{}` cannot be read: {flaw}", path.display())),
            };
        }
        let given = [("text", &self.text), ("response", &self.response)];
        let fields: Map<String, Value> = given
            .into_iter()
            .filter_map(|(name, text)| Some((name.to_owned(), Value::from(text.as_deref()?))))
            .collect();
        if fields.is_empty() {
            return Err(
                "there is nothing to judge: give `--text`, `--response` or `--input`, or an error code"
                    .into(),
            );
        }
        Ok(fields)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let shown = path.display();
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(MAX_INPUT + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MAX_INPUT + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| format!("`{shown}` cannot be read: {error}"))?;
    if bytes.len() as u64 > MAX_INPUT {
        return Err(format!("`{shown}` has more than {} MiB", MAX_INPUT >> 20));
    }
    Ok(bytes)
}

fn code_page(code: &str, terminal: &mut Terminal) -> Exit {
    let wanted = code.trim().to_uppercase();
    let Some(page) = page::page(&wanted) else {
        let known = codes::ALL.iter().map(|code| code.id);
        let help = did_you_mean(&wanted, known)
            .unwrap_or_else(|| "a code is a letter and three digits, as in E016".into());
        return terminal.fail(format!("there is no code `{wanted}`; {help}"));
    };
    terminal.line(page.trim_end());
    Exit::Well
}
