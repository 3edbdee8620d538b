//! The pages of the book that are made from the tables of the compiler: fields, functions, and the shipped libraries.
//! `UPDATE_BOOK=1` writes them anew.

use std::fmt::Write as _;

use engine::matcher::validator;
use engine::schema::{element_fields, fields};
use engine::value::Type;
use gateway::packs::shipped::LIBRARIES;
use grammar::Sources;
use grammar::ast::{Expectation, File, ItemKind, Pattern, PatternBody, TestLine};

use crate::{page, root};

#[test]
fn pages_of_reference_are_as_the_tables_say() {
    for (name, text) in
        [("fields.md", fields_page()), ("functions.md", functions_page()), ("std.md", std_page())]
    {
        if std::env::var_os("UPDATE_BOOK").is_some() {
            std::fs::write(root().join("book/src").join(name), &text).unwrap();
        }
        assert!(
            page(name) == text,
            "book/src/{name} is not as the tables say: run the tests with UPDATE_BOOK=1"
        );
    }
}

/// A cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A name in a cell of its own code.
fn code(text: &str) -> String {
    format!("`{}`", cell(text))
}

fn fields_page() -> String {
    let mut out = String::from(
        "# Fields\n\nWhat rules read. The compiler checks rules against this very table, and `kt policy fields` prints it. A type\n\
         with a `?` is optional, so that the value may be absent: say what then with `??`, or ask [`is present`](language.md#optionals).\n\n\
         | field | type | phases | what it is |\n|---|---|---|---|\n",
    );
    let mut lists: Vec<(&str, Type)> = Vec::new();
    for field in fields() {
        let phases: Vec<&str> = field.phases.iter().map(|phase| phase.name()).collect();
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            code(field.name),
            cell(&field.ty.to_string()),
            phases.join(", "),
            cell(field.doc)
        );
        if let Type::List(element) = &field.ty {
            lists.push((field.name, (**element).clone()));
        }
    }
    out.push_str("| `key.labels.NAME` | string? | request, response | what the client's key is marked with under that name in `auth.keys[].labels`; absent where it is not |\n");
    out.push_str("| `header(\"x-name\")` | string? | request, response | a request header, in any case; never a credential |\n");
    out.push_str("\n## Elements of lists\n\nWhat `any x in messages: …` and its like can ask of `x`.\n\n| list | field | type |\n|---|---|---|\n");
    for (list, element) in lists {
        for (field, ty, _) in element_fields(&element) {
            let _ = writeln!(
                out,
                "| {} | {} | {} |",
                code(list),
                code(&format!("x.{field}")),
                cell(&ty.to_string())
            );
        }
    }
    out
}

fn functions_page() -> String {
    let mut out = String::from(
        "# Functions and validators\n\n`kt policy functions` prints them. What they are for, with examples, stands in [the rule language](language.md).\n\n\
         ## Functions\n\n| function | what it gives |\n|---|---|\n",
    );
    for (_, usage) in engine::FUNCTIONS {
        let (call, doc) = usage.split_once(": ").unwrap();
        let _ = writeln!(out, "| {} | {} |", code(call), cell(doc));
    }
    out.push_str("\n## Validators\n\nThey stand after `where` in a [pattern](language.md#patterns). A match that fails one is no match.\n\n| validator | passes when |\n|---|---|\n");
    for validator in validator::ALL {
        let _ = writeln!(out, "| {} | {} |", code(validator.name), cell(validator.doc));
    }
    out
}

fn std_page() -> String {
    let mut out = String::from(
        "# The std library\n\nPatterns that ship with `kt`, for [`use`](language.md#libraries-and-use). The files are in the folder\n\
         `policies/std`: read them, copy them, change them. Each has tests of what it finds and of what it must not find.\n",
    );
    for shipped in LIBRARIES {
        let mut sources = Sources::new();
        let (file, errors) = grammar::parse(sources.add(shipped.path, shipped.text), shipped.text);
        assert!(errors.is_empty(), "{}", shipped.path);
        library(shipped.name, &file, &mut out);
    }
    out
}

fn library(name: &str, file: &File, out: &mut String) {
    let about = file.items.iter().find(|item| matches!(item.kind, ItemKind::Header(_))).unwrap();
    let _ = writeln!(out, "\n## `{name}`\n\n{}\n", about.doc.join("\n").trim());
    out.push_str("| pattern | label | what it finds | such as |\n|---|---|---|---|\n");
    for item in &file.items {
        let ItemKind::Pattern(pattern) = &item.kind else { continue };
        let label =
            pattern.label.as_ref().map_or(pattern.name.value.to_uppercase(), |label| label.value.clone());
        let doc = item.doc.join(" ");
        assert!(!doc.trim().is_empty(), "{name}: pattern `{}` says nothing of itself", pattern.name.value);
        let example =
            example(file, pattern).map_or(String::new(), |text| code(&text.escape_debug().to_string()));
        let _ = writeln!(
            out,
            "| {} | {} | {} | {example} |",
            code(&pattern.name.value),
            cell(&label),
            cell(&doc)
        );
    }
}

/// The first text in which a test of the library finds the pattern; of a set, or of one of its members.
fn example(file: &File, pattern: &Pattern) -> Option<String> {
    let names: Vec<&str> = match &pattern.body.value {
        PatternBody::AnyOf(members) => members.iter().map(|member| member.value.as_str()).collect(),
        PatternBody::Regex(_) | PatternBody::Words { .. } => vec![&pattern.name.value],
    };
    let tests = file
        .items
        .iter()
        .filter_map(|item| if let ItemKind::Test(test) = &item.kind { Some(test) } else { None });
    tests.flat_map(|test| &test.lines).find_map(|line| match &line.value {
        TestLine::Expect { todo: None, what: Expectation::Found { pattern, text, found: true } }
            if names.contains(&pattern.value.as_str())
                && text.value.is_ascii()
                && !text.value.contains('`') =>
        {
            Some(text.value.clone())
        }
        _ => None,
    })
}
