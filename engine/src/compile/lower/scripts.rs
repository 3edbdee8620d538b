//! The scripts of a policy: where their text is, and what is wrong with it.

use std::sync::Arc;

use grammar::ast::ScriptBody;
use grammar::{Diagnostic, Sources, Span, codes};

use super::Lowering;
use crate::compile::resolve::LinkedUnit;
use crate::compile::{Library, check};
use crate::script::{self, Script};

impl Lowering {
    /// Compiles the scripts of a policy.
    pub(super) fn scripts(
        &mut self,
        unit: &LinkedUnit,
        library: &dyn Library,
        sources: &mut Sources,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        for script in &unit.scripts {
            let from = sources.get(unit.source).map_or(String::new(), |source| source.name.clone());
            let (text, span) = match &script.body {
                ScriptBody::Inline(text) => (text.value.clone(), text.span),
                ScriptBody::File(path) => match library.file(&from, &path.value) {
                    Ok((name, text)) => {
                        sources.add_library(name, text.clone());
                        (text, path.span)
                    }
                    Err(message) => {
                        diagnostics.push(Diagnostic::error(codes::BAD_USE, path.span, message));
                        continue;
                    }
                },
            };
            let args: Vec<Arc<str>> =
                script.args.iter().map(|(name, _)| Arc::from(name.value.as_str())).collect();
            let result = check::declared(&script.result.value);
            match Script::compile(&script.name.value, &args, result, &text) {
                Ok(script) => self.scripts.push(script),
                Err(fault) => {
                    let inline = matches!(script.body, ScriptBody::Inline(_));
                    diagnostics.push(script_fault(
                        &script.name.value,
                        fault,
                        span,
                        inline.then_some(text.as_str()),
                    ));
                }
            }
        }
    }
}

fn script_fault(name: &str, fault: script::ScriptFault, span: Span, inline: Option<&str>) -> Diagnostic {
    let message = format!("script `{name}` cannot be compiled: {}", fault.message);
    let diagnostic = Diagnostic::error(codes::BAD_SCRIPT, span, message);
    let Some((line, column)) = fault.place else { return diagnostic };
    match inline.and_then(|text| fault.range(text)) {
        Some(at) => {
            let span = Span::new(span.source, span.start + at.start, span.start + at.end);
            Diagnostic { span, ..diagnostic }
        }
        None => diagnostic.label(format!("line {line}, column {column} of the script")),
    }
}
