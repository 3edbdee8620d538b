//! What is likely not meant in a configuration or a rule file, for `kt policy lint`, editors and the console's playground.

use std::sync::Arc;

use engine::{Compiled, Library, Program, Unit};
use grammar::ast::File;
use grammar::config::Config;
use grammar::{Diagnostic, SourceId, Sources};

use super::load::{self, Loaded};

/// A rule file, looked at by itself.
pub(crate) struct Checked {
    /// Its tree.
    pub(crate) file: File,
    /// Its mistakes, and what is likely not meant.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// What it compiles to on its defaults.
    pub(crate) program: Option<Arc<Program>>,
}

/// Compiles a rule file, a policy or a library, and looks at it closely if it compiles.
pub(crate) fn of_rule_file(
    source: SourceId,
    text: &str,
    library: &dyn Library,
    sources: &mut Sources,
) -> Checked {
    let unit = Unit::of(source);
    let is_library = load::header(text).is_some_and(|(is_library, _)| is_library);
    let Compiled { program, mut diagnostics, .. } = if is_library {
        engine::case::compile_library(&unit, library, sources)
    } else {
        engine::compile(&[unit], library, sources)
    };
    let (file, _) = grammar::parse(source, text);
    if let Some(program) = &program {
        diagnostics.extend(engine::lint::lint(std::slice::from_ref(&file), program, sources));
        diagnostics.extend(engine::lint::tests(&file, sources));
    }
    grammar::diagnostic::sort(&mut diagnostics);
    Checked { file, diagnostics, program }
}

/// What is likely not meant in a configuration that loads, and in the rule files of its chain.
pub(crate) fn of_configuration(loaded: &Loaded) -> Vec<Diagnostic> {
    let Some(pack) = &loaded.pack else { return Vec::new() };
    let mut found = engine::lint::lint(&loaded.files, &pack.program, &loaded.sources);
    for (file, arguments) in given(&pack.config, &loaded.files) {
        found.extend(engine::lint::arguments(file, arguments, &pack.program, &loaded.sources));
    }
    found
}

/// The rule files of the chain that have arguments, and those.
fn given<'l>(config: &'l Config, files: &'l [File]) -> Vec<(&'l File, &'l grammar::yaml::Node)> {
    let policies = &config.policies;
    let of = |(entry, file): (load::Entry<'l>, &'l File)| {
        let name = load::policy_of(file);
        let is_its = |kind: &str| kind == entry.name.value || Some(kind) == name;
        let arguments = policies.arguments.iter().find(|arguments| is_its(&arguments.kind.value))?;
        Some((file, &arguments.node))
    };
    load::entries(policies, &config.access.keys).into_iter().zip(files).filter_map(of).collect()
}
