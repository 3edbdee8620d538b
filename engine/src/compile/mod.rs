//! From trees to a program, before traffic: resolve names, bind arguments, check types and phases, lower, and see
//! that every rule over answers can stream.

mod bind;
mod check;
mod convert;
mod lower;
mod pattern;
mod resolve;
mod stream;
mod typed;

use std::borrow::Cow;
use std::sync::Arc;

use grammar::yaml;
use grammar::{Diagnostic, SourceId, Sources, Span, Spanned, ast};
use sha2::{Digest as _, Sha256};

use crate::model::Model;
use crate::program::{OnError, Program};
pub use check::FUNCTIONS;
pub(crate) use check::declared;

/// Where the compiler gets the texts that rule files `use`. The engine itself opens nothing.
pub trait Library {
    /// The name and text of a library such as `std.pii`.
    fn library(&self, name: &str) -> Option<(String, String)>;
    /// The names of all libraries, to suggest from.
    fn names(&self) -> Vec<String>;
    /// The name and text of a file, by a path written in the file called `from`.
    fn file(&self, from: &str, path: &str) -> Result<(String, String), String>;
    /// The bytes of a [model](crate::model), by its name or path as written in the file called `from`. There are none by
    /// default.
    fn model(&self, _from: &str, _name: &str) -> Option<Cow<'_, [u8]>> {
        None
    }
    /// The names of all models, to suggest from.
    fn models(&self) -> Vec<String> {
        Vec::new()
    }
}

/// One policy of the chain, and what its configuration says.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Its rule file.
    pub source: SourceId,
    /// Where the chain names it.
    pub at: Span,
    /// Its arguments: a mapping.
    pub arguments: Option<yaml::Node>,
    /// What happens when it cannot run.
    pub on_error: OnError,
    /// The names of the keys whose requests it judges; all requests where there are none.
    pub only_for: Vec<Arc<str>>,
    /// Arguments set by a test; they win over the mapping.
    pub overrides: Vec<(Spanned<String>, Spanned<ast::Literal>)>,
}

impl Unit {
    /// A rule file on its defaults.
    pub fn of(source: SourceId) -> Self {
        Self {
            source,
            at: Span::new(source, 0, 0),
            arguments: None,
            on_error: OnError::Block,
            only_for: Vec::new(),
            overrides: Vec::new(),
        }
    }
}

/// How to compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether the program may be made fast: nothing dropped, reordered or passed over without it. What a program
    /// decides is the same either way, and tests hold the two against each other.
    pub optimize: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { optimize: true }
    }
}

/// What came of a compilation.
#[derive(Debug)]
pub struct Compiled {
    /// The program; absent when there are errors.
    pub program: Option<Arc<Program>>,
    /// Errors and warnings, sorted.
    pub diagnostics: Vec<Diagnostic>,
    /// The trees of the units, in order.
    pub files: Vec<ast::File>,
}

/// Compiles a chain. All mistakes of all files are reported in one run.
pub fn compile(units: &[Unit], library: &dyn Library, sources: &mut Sources) -> Compiled {
    compile_with(units, library, sources, Options::default())
}

/// Compiles a chain in a way of one's own.
pub fn compile_with(
    units: &[Unit],
    library: &dyn Library,
    sources: &mut Sources,
    options: Options,
) -> Compiled {
    let mut diagnostics = Vec::new();
    let known = sources.count();
    let linked = resolve::link(units, library, sources, &mut diagnostics);
    let mut lowered = lower::Lowering::new(options);
    for (unit, given) in linked.units.iter().zip(units) {
        let arguments = bind::bind(unit, given, &mut diagnostics);
        let from = sources.get(unit.source).map_or(String::new(), |source| source.name.clone());
        let checked = check::check(&linked, unit, library, &from, &mut diagnostics);
        lowered.unit(&linked, unit, given, arguments, checked, library, sources, &mut diagnostics);
    }
    lowered.build(&mut diagnostics);
    let files = linked.units.into_iter().map(|unit| unit.file).collect();
    grammar::diagnostic::sort(&mut diagnostics);
    let failed = diagnostics.iter().any(Diagnostic::is_error);
    let program = if failed {
        None
    } else {
        let hash = hash(units, sources, known, lowered.models());
        Some(Arc::new(lowered.finish(hash)))
    };
    Compiled { program, diagnostics, files }
}

/// A digest of every text, argument and model that went into a program.
fn hash<'m>(
    units: &[Unit],
    sources: &Sources,
    known: usize,
    models: impl Iterator<Item = &'m Model>,
) -> String {
    let mut sha = Sha256::new();
    let mut add = |text: &str| {
        sha.update(text.len().to_le_bytes());
        sha.update(text.as_bytes());
    };
    for unit in units {
        add(sources.get(unit.source).map_or("", |source| &source.text));
        add(&format!("{:?} {:?}", unit.on_error, unit.arguments.as_ref().map(plain)));
        add(&format!("{:?} {:?}", unit.overrides, unit.only_for));
    }
    for text in sources.libraries_since(known) {
        add(text);
    }
    models.for_each(|model| add(model.digest()));
    sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The argument's value without its place, so that moving a line in the YAML changes no hash.
fn plain(node: &yaml::Node) -> String {
    match &node.value {
        yaml::Value::Seq(items) => format!("[{}]", items.iter().map(plain).collect::<Vec<_>>().join(",")),
        yaml::Value::Map(pairs) => {
            let pairs: Vec<String> =
                pairs.iter().map(|(key, value)| format!("{:?}:{}", key.value, plain(value))).collect();
            format!("{{{}}}", pairs.join(","))
        }
        scalar => format!("{scalar:?}"),
    }
}
