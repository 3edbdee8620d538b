//! What a gitleaks configuration lets pass, and how a rule file says so.

use std::fmt::Write as _;

use engine::{Unit, compile};
use grammar::{Diagnostic, Sources};
use toml::{Table, Value};

use super::expression::{escaped, without_groups};
use crate::packs::Shelf;

/// From so many characters on the words of a list stand on lines of their own.
const LONG: usize = 96;

/// What is let pass, of one rule or of all.
#[derive(Debug, Default)]
pub(super) struct Allowed {
    lists: Vec<List>,
    /// Paths and commits.
    places: usize,
    /// Lists that ask for a path or a commit beside all else: they let no text pass, which has neither.
    never: usize,
}

/// One list.
#[derive(Debug)]
struct List {
    regexes: Vec<String>,
    target: Target,
    stopwords: Vec<String>,
    /// Whether one of the expressions and one of the words must both be there.
    both: bool,
}

/// What the expressions of a list look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Secret,
    Match,
    Line,
}

/// What stands after `where`, and what could not be said.
#[derive(Debug, Default)]
pub(super) struct Carried {
    pub(super) checks: Vec<String>,
    pub(super) notes: Vec<String>,
}

impl Allowed {
    /// The lists of a table, in the present and in the older spelling.
    pub(super) fn of(table: &Table) -> Self {
        let mut all = Self::default();
        table.get("allowlist").and_then(Value::as_table).into_iter().for_each(|list| all.add(list));
        let lists = table.get("allowlists").and_then(Value::as_array).into_iter().flatten();
        lists.filter_map(Value::as_table).for_each(|list| all.add(list));
        all
    }

    fn add(&mut self, table: &Table) {
        let strings = |name: &str| -> Vec<String> {
            let list = table.get(name).and_then(Value::as_array).into_iter().flatten();
            list.filter_map(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned).collect()
        };
        let word = |name: &str| table.get(name).and_then(Value::as_str).unwrap_or_default();
        let places = strings("paths").len() + strings("commits").len();
        let all_of_it = matches!(word("condition").to_ascii_uppercase().as_str(), "AND" | "&&");
        if places > 0 && all_of_it {
            self.never += 1;
            return;
        }
        self.places += places;
        let (regexes, stopwords) = (strings("regexes"), strings("stopwords"));
        let target = match word("regexTarget") {
            "line" => Target::Line,
            "match" => Target::Match,
            _ => Target::Secret,
        };
        let both = all_of_it && !regexes.is_empty() && !stopwords.is_empty();
        self.lists.push(List { regexes, target, stopwords, both });
    }

    /// What a pattern can say of it.
    pub(super) fn carried(&self) -> Carried {
        let mut carried = Carried::default();
        for list in &self.lists {
            if list.both {
                let note = "a list that asks for one of its expressions and one of its words is left out";
                carried.notes.push(format!("{note}, so more is found"));
                continue;
            }
            list.carry(&mut carried);
        }
        if self.places > 0 {
            carried
                .notes
                .push(format!("{} paths and commits are left out, since texts have none", self.places));
        }
        if self.never > 0 {
            carried.notes.push(format!(
                "{} lists that also ask for a path or a commit are left out: they let no text pass",
                self.never
            ));
        }
        carried
    }
}

impl List {
    fn carry(&self, carried: &mut Carried) {
        let of_match = match self.target {
            Target::Secret => "",
            Target::Match => "match ",
            Target::Line => {
                let count = self.regexes.len();
                let why = "a pattern sees its match, and not the line around it";
                carried.notes.push(format!("{count} expressions for the line are left out: {why}"));
                return self.words(carried);
            }
        };
        for regex in &self.regexes {
            carried.add(format!("not {of_match}has /{}/", without_groups(regex)), regex);
        }
        self.words(carried);
    }

    fn words(&self, carried: &mut Carried) {
        let words: Vec<String> = self.stopwords.iter().map(|word| escaped(word)).collect();
        if !words.is_empty() {
            carried.add(format!("not has {}", any_of(&words)), "the words");
        }
    }
}

impl Carried {
    /// Adds a check, or says why it cannot be one.
    fn add(&mut self, check: String, called: &str) {
        match refusal(&check) {
            None => self.checks.push(check),
            Some(refused) => {
                self.notes
                    .push(format!("`{called}`, which lets a match pass, is left out: {}", refused.message));
            }
        }
    }

    /// As the clause of a pattern.
    pub(super) fn clause(&self) -> String {
        if self.checks.is_empty() {
            String::new()
        } else {
            format!("  where {}\n", self.checks.join("\n    and "))
        }
    }
}

/// An expression for any of some words in any case; where they are many, on lines of its own.
fn any_of(words: &[String]) -> String {
    let short = format!("/{}/i", words.join("|"));
    if short.chars().count() <= LONG {
        return short;
    }
    let (mut out, mut line) = (String::from("/\n"), String::new());
    for (at, word) in words.iter().enumerate() {
        // On lines of its own a space must say that it counts.
        let word = word.replace(' ', "\\ ");
        let sign = if at == 0 { "" } else { "| " };
        if !line.is_empty() && line.chars().count() + word.chars().count() + 3 > LONG {
            let _ = writeln!(out, "    {}", line.trim_end());
            line.clear();
        }
        let _ = write!(line, "{sign}{word} ");
    }
    let _ = writeln!(out, "    {}", line.trim_end());
    format!("{out}  /ix")
}

/// What the compiler has against a check.
fn refusal(check: &str) -> Option<Diagnostic> {
    let mut sources = Sources::new();
    let text = format!(
        "policy tried\npattern tried = /a/ where {check}\nrule all_of_it on request {{ when text has tried do flag }}\n"
    );
    let source = sources.add("tried.ktr", text);
    let compiled = compile(&[Unit::of(source)], &Shelf, &mut sources);
    compiled.diagnostics.into_iter().find(Diagnostic::is_error)
}
