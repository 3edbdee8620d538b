//! A library as a policy made for the purpose, so that its patterns can be tested.

use std::borrow::Cow;

use grammar::Sources;
use grammar::ast::{self, ItemKind};

use crate::compile::{Compiled, Library, Unit, compile};
use crate::matcher::View;

/// Compiles a library: its patterns are put into a policy made for the purpose. It looks for each in the folded text, or
/// in the text as it arrived where the pattern is made of what folding takes away.
pub fn compile_library(unit: &Unit, library: &dyn Library, sources: &mut Sources) -> Compiled {
    let (name, text) =
        sources.get(unit.source).map_or_else(Default::default, |s| (s.name.clone(), s.text.clone()));
    let (file, errors) = grammar::parse(unit.source, &text);
    let (mut folded, mut raw): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for item in &file.items {
        if let ItemKind::Pattern(pattern) = &item.kind {
            match &pattern.body.value {
                ast::PatternBody::AnyOf(_) => {}
                ast::PatternBody::Regex(regex) if is_for_raw(regex) => raw.push(pattern.name.value.as_str()),
                ast::PatternBody::Regex(_) | ast::PatternBody::Words { .. } => {
                    folded.push(&pattern.name.value)
                }
            }
        }
    }
    if folded.is_empty() && raw.is_empty() || !errors.is_empty() {
        return Compiled { program: None, diagnostics: errors, files: Vec::new() };
    }
    let mut policy = String::from("policy patterns\n");
    for (rule, text, names) in [("folded", "text", folded), ("raw", "raw(text)", raw)] {
        if !names.is_empty() {
            let names = names.join(", ");
            policy += &format!("use \"{name}\" ({names})\n");
            policy += &format!("rule {rule} on request {{\n  when {text} has ({names})\n  do flag\n}}\n");
        }
    }
    let source = sources.add(format!("{name} (as a policy)"), policy);
    let alone = Alone { name, text, library };
    compile(&[Unit { source, ..unit.clone() }], &alone, sources)
}

/// Whether an expression can only be used on the text as it arrived.
fn is_for_raw(regex: &ast::Regex) -> bool {
    let compiles = |view| crate::matcher::regex::compile(&regex.source, &regex.flags, view).is_ok();
    !compiles(View::Folded) && compiles(View::Raw)
}

/// A library whose own file can be used by its path.
struct Alone<'a> {
    name: String,
    text: String,
    library: &'a dyn Library,
}

impl Library for Alone<'_> {
    fn library(&self, name: &str) -> Option<(String, String)> {
        self.library.library(name)
    }

    fn names(&self) -> Vec<String> {
        self.library.names()
    }

    fn model(&self, from: &str, name: &str) -> Option<Cow<'_, [u8]>> {
        self.library.model(from, name)
    }

    fn models(&self) -> Vec<String> {
        self.library.models()
    }

    fn file(&self, from: &str, path: &str) -> Result<(String, String), String> {
        if path == self.name {
            return Ok((self.name.clone(), self.text.clone()));
        }
        self.library.file(from, path)
    }
}
