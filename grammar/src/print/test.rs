//! The lines of tests.

use super::{list_text, literal};
use crate::ast::{Expectation, TestLine};

/// A line of a test.
pub(super) fn test_line(line: &TestLine) -> String {
    match line {
        TestLine::With(name, value) => format!("with {} = {}", name.value, literal(&value.value)),
        TestLine::Given(name, value) => format!("given {} = {}", name.value, literal(&value.value)),
        TestLine::Spent(name, value) => format!("spent {} = {}", name.value, literal(&value.value)),
        TestLine::Target(name, settings) => {
            let settings: Vec<String> = settings
                .iter()
                .map(|(name, value)| format!("{} = {}", name.value, literal(&value.value)))
                .collect();
            format!("target {:?} {{{}}}", name.value, settings.join(", "))
        }
        TestLine::Header(name, value) => format!("header {:?} = {:?}", name.value, value.value),
        TestLine::Said(who, text) => format!("{} {:?}", who.value, text.value),
        TestLine::Response(text) => format!("response {:?}", text.value),
        TestLine::Call(name, arguments) => format!("call {:?} {:?}", name.value, arguments.value),
        TestLine::Expect { todo, what } => {
            let todo = if todo.is_some() { "todo " } else { "" };
            format!("{todo}expect {}", expectation(what))
        }
    }
}

fn expectation(what: &Expectation) -> String {
    match what {
        Expectation::Text(text) => format!("text {:?}", text.value),
        Expectation::Arguments(text) => format!("arguments {:?}", text.value),
        Expectation::Targets(list) => format!("targets {}", list_text(list)),
        Expectation::Reserved(names) => {
            let names: Vec<&str> = names.iter().map(|name| name.value.as_str()).collect();
            format!("reserved [{}]", names.join(", "))
        }
        Expectation::Held(most) => format!("held <= {}", most.value),
        Expectation::Found { pattern, text, found } => {
            let no = if *found { "" } else { "no " };
            format!("{no}{} in {:?}", pattern.value, text.value)
        }
        Expectation::Verdict(expected) => {
            let rule = expected.rule.as_ref().map_or(String::new(), |rule| format!(" by {}", rule.value));
            let code = expected.code.as_ref().map_or(String::new(), |code| format!(" code {:?}", code.value));
            format!("{}{rule}{code}", expected.verdict.value)
        }
    }
}
