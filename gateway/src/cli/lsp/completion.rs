//! What may be written at a place: words of the language, names, fields, functions, libraries.

use std::path::Path;

use engine::Library as _;
use engine::schema::{element_fields, fields};
use engine::value::Type;
use grammar::ast::{ItemKind, Use};
use lsp_types::{CompletionItem, CompletionItemKind, CompletionTextEdit, Documentation, TextEdit};

use super::document::{Documents, tree};
use super::names::{Declared, Kind, declared, run};
use super::place;
use super::words::{self, Word};

/// One thing to offer.
struct Offer {
    word: String,
    kind: CompletionItemKind,
    detail: Option<String>,
    doc: String,
}

pub(super) fn of(documents: &Documents, path: &Path, text: &str, at: usize) -> Vec<CompletionItem> {
    let before = text.get(..at).unwrap_or_default();
    let (start, _) = run(text, at, true);
    let (_, end) = run(text, at, false);
    let place = Place::of(before.get(..start).unwrap_or_default());
    let written = text.get(start..at).unwrap_or_default();
    let offers = Offers { documents, path, text, all: Vec::new() }.collect(&place, written);
    let range = place::range(text, start, end.max(at));
    let item = |offer: Offer| CompletionItem {
        label: offer.word.clone(),
        kind: Some(offer.kind),
        detail: offer.detail,
        documentation: Some(Documentation::String(offer.doc))
            .filter(|doc| *doc != Documentation::String(String::new())),
        text_edit: Some(CompletionTextEdit::Edit(TextEdit { range, new_text: offer.word })),
        ..CompletionItem::default()
    };
    offers.into_iter().map(item).collect()
}

/// Where in the language a place is. It is guessed from the words before it, for what is being typed does not parse.
#[derive(Debug, PartialEq)]
enum Place {
    /// Where an item begins.
    Item,
    /// After `use`.
    Library,
    /// In the brackets of a `use`.
    Export(String),
    /// Where a line of a rule begins, or goes on.
    Clause,
    /// The same in a test.
    TestLine,
    /// One of these words and nothing else.
    Words(&'static [Word]),
    /// After `do`: a verdict, or an expression.
    Verdict,
    /// After `expect`.
    Expectation,
    /// After `by`.
    Rule,
    /// After `where`.
    Validator,
    /// After `has` or `any of`.
    Pattern,
    /// After `with` in a test.
    Param,
    /// In a string or comment.
    Nowhere,
    /// Anywhere else.
    Expression,
}

impl Place {
    fn of(before: &str) -> Place {
        let line = before.rsplit('\n').next().unwrap_or_default();
        if line.trim_start().starts_with("//") || line.replace("\\\"", "").matches('"').count() % 2 == 1 {
            return Place::Nowhere;
        }
        let words: Vec<&str> = before.split_whitespace().collect();
        let last = words.last().copied().unwrap_or_default();
        let (item, in_body) = item_around(before);
        if let Some(library) = open_use(before) {
            return Place::Export(library);
        }
        match last {
            "use" => Place::Library,
            "on" => Place::Words(words::PHASES),
            "severity" => Place::Words(words::SEVERITIES),
            "where" => Place::Validator,
            "and" if item == "pattern" => Place::Validator,
            "not" if item == "pattern" => Place::Words(words::DENIED),
            "has" | "of" => Place::Pattern,
            "do" => Place::Verdict,
            "expect" => Place::Expectation,
            "by" => Place::Rule,
            "no" => Place::Pattern,
            "with" if item == "test" => Place::Param,
            _ if last.ends_with(':') && item == "param" => Place::Words(words::TYPES),
            _ if line.trim().is_empty() && !in_body => Place::Item,
            _ if item == "test" => Place::TestLine,
            _ if item == "rule" && in_body && line.trim().is_empty() => Place::Clause,
            _ if has_open_list(before) => Place::Pattern,
            _ => Place::Expression,
        }
    }
}

/// The word that the last item begins with, and whether the place is in its braces.
fn item_around(before: &str) -> (&str, bool) {
    let is_item =
        |line: &&str| words::ITEMS.iter().any(|(word, _)| line.split_whitespace().next() == Some(*word));
    let mut start = before.len();
    for line in before.rsplit('\n') {
        start -= line.len();
        if is_item(&line) && !line.starts_with(' ') {
            let rest = before.get(start..).unwrap_or_default();
            let in_body = rest.matches('{').count() > rest.matches('}').count();
            return (rest.split_whitespace().next().unwrap_or_default(), in_body);
        }
        start = start.saturating_sub(1);
    }
    ("", false)
}

/// The library whose names are being listed.
fn open_use(before: &str) -> Option<String> {
    let (head, inside) = before.rsplit_once('(')?;
    let mut words = head.rsplit(char::is_whitespace).filter(|word| !word.is_empty());
    let (library, word) = (words.next()?, words.next()?);
    (word == "use" && !inside.contains(')')).then(|| library.to_owned())
}

/// Whether patterns are being listed, as in `has (email,`.
fn has_open_list(before: &str) -> bool {
    let Some((head, inside)) = before.rsplit_once('(') else { return false };
    let last = head.split_whitespace().next_back();
    matches!(last, Some("has" | "of")) && !inside.contains(')')
}

/// What is offered so far.
struct Offers<'a> {
    documents: &'a Documents,
    path: &'a Path,
    text: &'a str,
    all: Vec<Offer>,
}

impl Offers<'_> {
    fn collect(mut self, place: &Place, written: &str) -> Vec<Offer> {
        if let Some((variable, _)) = written.rsplit_once('.') {
            self.elements(variable);
        }
        match place {
            Place::Nowhere => self.all.clear(),
            Place::Item => self.words(words::ITEMS),
            Place::Library => self.libraries(),
            Place::Export(library) => self.exports(library),
            Place::Clause => {
                self.words(words::CLAUSES);
                self.expression();
            }
            Place::TestLine => {
                self.words(words::TEST_LINES);
                self.words(&[
                    ("by", "the rule that must have reached the verdict"),
                    ("code", "its reason code"),
                ]);
                self.declared(&[Kind::Param]);
            }
            Place::Words(words) => self.words(words),
            Place::Verdict => {
                self.words(words::VERDICTS);
                self.declared(&[Kind::Param, Kind::Value]);
            }
            Place::Expectation => {
                self.words(words::VERDICTS);
                self.words(words::EXPECTATIONS);
                self.patterns();
            }
            Place::Rule => self.declared(&[Kind::Rule]),
            Place::Validator => self.validators(),
            Place::Pattern => self.patterns(),
            Place::Param => self.declared(&[Kind::Param]),
            Place::Expression => self.expression(),
        }
        self.all
    }

    fn push(&mut self, word: &str, kind: CompletionItemKind, detail: Option<String>, doc: String) {
        if self.all.iter().all(|offer| offer.word != word) {
            self.all.push(Offer { word: word.to_owned(), kind, detail, doc });
        }
    }

    fn words(&mut self, words: &[Word]) {
        for (word, doc) in words {
            self.push(word, CompletionItemKind::KEYWORD, None, (*doc).to_owned());
        }
    }

    fn libraries(&mut self) {
        for name in self.documents.names() {
            let text = self.documents.library(&name).map_or(String::new(), |(_, text)| text);
            let doc = tree(&text).items.into_iter().next().map_or(String::new(), |item| item.doc.join("\n"));
            self.push(&name, CompletionItemKind::MODULE, None, doc);
        }
    }

    fn exports(&mut self, library: &str) {
        let path = library.trim_matches('"');
        let text = if path == library {
            self.documents.library(library).map(|(_, text)| text)
        } else {
            self.documents.file(&self.path.display().to_string(), path).map(|(_, text)| text).ok()
        };
        for found in declared(&text.unwrap_or_default()) {
            if found.kind == Kind::Pattern {
                self.declaration(&found);
            }
        }
    }

    fn declaration(&mut self, found: &Declared) {
        self.push(&found.name, found.kind.completion(), None, found.doc.join("\n"));
    }

    fn declared(&mut self, kinds: &[Kind]) {
        for found in declared(self.text).iter().filter(|found| kinds.contains(&found.kind)) {
            self.declaration(found);
        }
    }

    /// Patterns of this file, and those that it takes from others.
    fn patterns(&mut self) {
        self.declared(&[Kind::Pattern]);
        for import in self.imports() {
            let text = self.documents.used(self.path, &import).map_or(String::new(), |used| used.text);
            let there = declared(&text);
            for name in &import.names {
                match there.iter().find(|found| found.name == name.value) {
                    Some(found) => self.declaration(found),
                    None => self.push(&name.value, Kind::Pattern.completion(), None, String::new()),
                }
            }
        }
    }

    fn imports(&self) -> Vec<Use> {
        let items = tree(self.text).items.into_iter();
        items
            .filter_map(|item| if let ItemKind::Use(import) = item.kind { Some(import) } else { None })
            .collect()
    }

    fn validators(&mut self) {
        self.words(words::CHECKS);
        for validator in engine::matcher::validator::ALL {
            self.push(validator.name, CompletionItemKind::FUNCTION, None, validator.doc.to_owned());
        }
    }

    /// The fields of a list's elements, after the name that `any x in list` gave to them.
    fn elements(&mut self, variable: &str) {
        let bound = format!("{variable} in ");
        let lists = self.text.match_indices(&bound).filter_map(|(at, _)| self.text.get(at + bound.len()..));
        let names: Vec<&str> = lists.filter_map(|rest| rest.split([':', ' ', '\n']).next()).collect();
        for field in fields().into_iter().filter(|field| names.contains(&field.name)) {
            let Type::List(element) = field.ty else { continue };
            for (name, ty, _) in element_fields(&element) {
                let word = format!("{variable}.{name}");
                self.push(&word, CompletionItemKind::FIELD, Some(ty.to_string()), String::new());
            }
        }
    }

    fn expression(&mut self) {
        for field in fields() {
            self.push(
                field.name,
                CompletionItemKind::FIELD,
                Some(field.ty.to_string()),
                field.doc.to_owned(),
            );
        }
        self.declared(&[Kind::Param, Kind::Value, Kind::Score, Kind::Function]);
        self.patterns();
        for (name, usage) in engine::FUNCTIONS {
            self.push(name, CompletionItemKind::FUNCTION, None, (*usage).to_owned());
        }
        self.words(words::EXPRESSIONS);
        self.words(words::PATTERNS);
    }
}
