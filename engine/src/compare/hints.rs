//! What the tests of rule files say: texts that their authors thought of, and so good examples.

use grammar::Sources;
use grammar::ast::{Expectation, ItemKind, TestLine};

/// The texts of all tests in these sources, each once.
pub(super) fn collect(all: [&Sources; 2]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for sources in all {
        for (id, source) in sources.iter().filter(|(_, source)| source.text.contains("\ntest ")) {
            let (file, _) = grammar::parse(id, &source.text);
            for item in &file.items {
                let ItemKind::Test(test) = &item.kind else { continue };
                found.extend(test.lines.iter().filter_map(|line| said(&line.value)).map(str::to_owned));
            }
        }
    }
    // Short ones are read first.
    found.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    found.dedup();
    found
}

fn said(line: &TestLine) -> Option<&str> {
    match line {
        TestLine::Said(_, text) | TestLine::Response(text) | TestLine::Call(_, text) => Some(&text.value),
        TestLine::Expect { what, .. } => sought(what),
        TestLine::With(..)
        | TestLine::Given(..)
        | TestLine::Spent(..)
        | TestLine::Target(..)
        | TestLine::Header(..) => None,
    }
}

fn sought(what: &Expectation) -> Option<&str> {
    match what {
        Expectation::Found { text, .. } => Some(&text.value),
        Expectation::Verdict(_)
        | Expectation::Text(_)
        | Expectation::Arguments(_)
        | Expectation::Targets(_)
        | Expectation::Reserved(_)
        | Expectation::Held(_) => None,
    }
}
