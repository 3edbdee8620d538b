//! The rule file: a pattern for each rule, and rules that look for them. Each is tried with the compiler, and what it
//! refuses is left out and told.

use std::fmt::Write as _;

use engine::{Unit, compile};
use grammar::ast::ItemKind;
use grammar::{Diagnostic, Sources, codes};

use super::account::Account;
use super::allowed::Carried;
use super::expression::{SECRET, escaped, translate};
use super::gitleaks::{Rule, Rules};
use super::keywords::are_implied;
use crate::packs::Shelf;

/// How far from a match a keyword may stand that the expression does not ask for.
const NEAR: usize = 500;

/// How often what the compiler refuses is taken out.
const ROUNDS: usize = 8;

/// A rule file, and what became of each rule.
pub(super) struct Made {
    pub(super) text: String,
    pub(super) account: Account,
}

/// A rule on its way.
struct Draft<'r> {
    rule: &'r Rule,
    name: String,
    /// The pattern, where there is one.
    pattern: Option<String>,
    /// Whether it is looked for in requests alone.
    in_requests: bool,
    notes: Vec<String>,
}

/// Makes a policy of that name.
pub(super) fn write(policy: &str, rules: &Rules) -> Result<Made, String> {
    let mut drafts: Vec<Draft<'_>> = Vec::new();
    let allowed = rules.allowed.carried();
    for rule in &rules.rules {
        let name = name_for(&rule.id, &drafts);
        drafts.push(draft(rule, name));
    }
    for _ in 0..ROUNDS {
        let text = text(policy, rules, &drafts, &allowed);
        let refused = refusals(&text);
        if refused.is_empty() {
            return finish(text, &allowed, drafts);
        }
        for (name, diagnostic) in refused {
            let draft = drafts.iter_mut().find(|draft| draft.name == name);
            let draft =
                draft.ok_or_else(|| format!("the rule file does not compile: {}", diagnostic.message))?;
            if diagnostic.code == codes::PATTERN_TOO_LARGE && !draft.in_requests {
                draft.in_requests = true;
                draft.notes.push(
                    "it is looked for in requests alone: its automaton is too large for answers".to_owned(),
                );
            } else {
                draft.pattern = None;
                draft.notes.push(diagnostic.message);
            }
        }
    }
    Err("the rule file does not compile".to_owned())
}

fn finish(text: String, allowed: &Carried, drafts: Vec<Draft<'_>>) -> Result<Made, String> {
    let mut sources = Sources::new();
    let source = sources.add("imported.ktr", text.clone());
    let text =
        grammar::fmt::format(source, &text).map_err(|_| "the rule file cannot be laid out".to_owned())?;
    let mut account = Account::default();
    allowed.notes.iter().for_each(|note| account.of_file(format!("for all rules: {note}")));
    for draft in drafts {
        account.rule(&draft.rule.id, draft.pattern.is_some(), draft.notes);
    }
    Ok(Made { text, account })
}

/// A name for a rule that no other has.
fn name_for(id: &str, drafts: &[Draft<'_>]) -> String {
    let word = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let mut name: String = id.chars().map(word).collect();
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        name.insert(0, '_');
    }
    // No word of the language ends so.
    if !name.contains('_') {
        name.push_str("_secret");
    }
    while drafts.iter().any(|draft| draft.name == name) {
        name.push('_');
    }
    name
}

fn draft(rule: &Rule, name: String) -> Draft<'_> {
    let mut notes = Vec::new();
    let Some(regex) = &rule.regex else {
        let note = "it is for names of files, and texts have none";
        return Draft { rule, name, pattern: None, in_requests: false, notes: vec![note.to_owned()] };
    };
    if rule.path.is_some() {
        notes.push("it is for some files, and is looked for in every text".to_owned());
    }
    let allowed = rule.allowed.carried();
    notes.extend(allowed.notes.iter().cloned());
    let translated = translate(regex, rule.group);
    let mut pattern = String::new();
    for line in rule.description.lines() {
        let _ = writeln!(pattern, "/// {}", line.trim());
    }
    let _ = writeln!(pattern, "pattern {name} = /{}/", translated.source);
    let _ = writeln!(pattern, "  label {}", label(&name));
    if translated.captures {
        let _ = writeln!(pattern, "  capture {SECRET}");
    }
    if let Some(bits) = rule.entropy {
        let _ = writeln!(pattern, "  where entropy >= {bits:?}");
    }
    pattern.push_str(&allowed.clause());
    if !rule.keywords.is_empty() && !are_implied(&translated.source, &rule.keywords) {
        let words: Vec<String> = rule.keywords.iter().map(|word| escaped(word)).collect();
        let _ = writeln!(pattern, "  near /{}/i within {NEAR}", words.join("|"));
        notes.push(format!("its keyword must stand within {NEAR} characters, and not anywhere in the text"));
    }
    Draft { rule, name, pattern: Some(pattern), in_requests: false, notes }
}

fn text(policy: &str, rules: &Rules, drafts: &[Draft<'_>], allowed: &Carried) -> String {
    let title: String = rules.title.chars().filter(|c| !c.is_control()).collect();
    let mut out = format!(
        "/// Secrets, by the rules of `{title}`: made by `kt policy import gitleaks`.\npolicy {policy}\nversion \"1.0.0\"\n\n\
         /// What happens to what is found.\nparam action: enum(redact, block, log) = redact\n\n"
    );
    for draft in drafts {
        if let Some(pattern) = &draft.pattern {
            out.push_str(pattern);
            out.push('\n');
        }
    }
    for (rule, phases, in_requests) in
        [("secrets", "request, response", false), ("secrets_in_requests", "request", true)]
    {
        let wanted = |draft: &&Draft<'_>| draft.pattern.is_some() && draft.in_requests == in_requests;
        let names: Vec<&str> = drafts.iter().filter(wanted).map(|draft| draft.name.as_str()).collect();
        if !names.is_empty() {
            let mut names = names.join(", ");
            if !allowed.checks.is_empty() {
                // What every rule lets pass is said once, by the set of them.
                let set = name_for(&format!("all_{rule}"), drafts);
                let _ = writeln!(
                    out,
                    "/// All of them, but for what is no secret whatever finds it.\npattern {set} = any of ({names})\n{}",
                    allowed.clause()
                );
                names = set;
            }
            let _ = writeln!(
                out,
                "rule {rule} on {phases} {{\n  when text has ({names})\n  do action\n  code \"{policy}.secret\"\n  \
                 message \"secrets in the {{phase}}: {{labels}}\"\n  severity high\n  tags [\"owasp:llm02\"]\n}}\n",
            );
        }
    }
    out
}

/// What the compiler refuses, with the names of the patterns that it is about.
fn refusals(text: &str) -> Vec<(String, Diagnostic)> {
    let mut sources = Sources::new();
    let source = sources.add("imported.ktr", text.to_owned());
    let (file, _) = grammar::parse(source, text);
    let compiled = compile(&[Unit::of(source)], &Shelf, &mut sources);
    let mut found: Vec<(String, Diagnostic)> = Vec::new();
    for diagnostic in compiled.diagnostics.into_iter().filter(Diagnostic::is_error) {
        let at = diagnostic.span.start;
        let item = file.items.iter().find(|item| item.span.start <= at && at < item.span.end);
        let name = match item.map(|item| &item.kind) {
            Some(ItemKind::Pattern(pattern)) => pattern.name.value.clone(),
            _ => pattern_at(text, at).unwrap_or_default(),
        };
        if !found.iter().any(|(known, _)| *known == name) {
            found.push((name, diagnostic));
        }
    }
    found
}

/// The name of the pattern whose text stands at a place; one with a mistake is in no tree.
fn pattern_at(text: &str, at: usize) -> Option<String> {
    let before = text.get(..at)?;
    let (_, from) = before.rsplit_once("\npattern ").or_else(|| before.rsplit_once("pattern "))?;
    from.split_whitespace().next().map(str::to_owned)
}

/// How findings and markers call a pattern.
fn label(name: &str) -> String {
    let label = name.trim_matches('_').to_uppercase();
    if label.starts_with(|c: char| c.is_ascii_digit()) { format!("\"{label}\"") } else { label }
}
