//! Loading: files to a configuration, its chain to rule files, those to a program. Every mistake in one run.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::{OnError, Options, Program, Unit};
use grammar::ast::{File, ItemKind};
use grammar::config::{self, Arguments, ClientKey, Config, Inline, Policies};
use grammar::diagnostic::nearest;
use grammar::{Diagnostic, SourceId, Sources, Spanned, codes, yaml};

use super::shelf::{self, Shelf};
use super::shipped::{self, Shipped};
use super::{Pack, digest, labels};

/// What came of loading. There is a pack only when there are no errors.
#[derive(Debug)]
pub struct Loaded {
    /// Ready to run.
    pub pack: Option<Arc<Pack>>,
    /// The configuration, when it could be decoded.
    pub config: Option<Config>,
    /// Errors and warnings, sorted.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts that diagnostics point into.
    pub sources: Sources,
    /// The trees of the chain's rule files.
    pub files: Vec<File>,
    /// The chain's rule files with their arguments, in order.
    pub units: Vec<Unit>,
}

/// Loads the layers of a configuration: later files override earlier ones key by key. An unreadable file is an `Err`
/// with a sentence.
pub fn load(paths: &[PathBuf]) -> Result<Loaded, String> {
    Ok(load_texts(layers(paths)?))
}

/// Loads the same without the optimiser: conditions are then asked in the order in which they are written.
pub(crate) fn load_plain(paths: &[PathBuf]) -> Result<Loaded, String> {
    Ok(load_layers(layers(paths)?, Options { optimize: false }))
}

fn layers(paths: &[PathBuf]) -> Result<Vec<(String, String)>, String> {
    paths.iter().map(|path| Ok((path.display().to_string(), shelf::read(path)?))).collect()
}

/// Loads the configuration that `--demo` runs when none is given.
pub fn quickstart() -> Loaded {
    load_texts(vec![(shipped::QUICKSTART.path.to_owned(), shipped::QUICKSTART.text.to_owned())])
}

/// Loads one rule file as a chain of its own, on its defaults.
pub fn one_file(path: &Path) -> Result<Loaded, String> {
    let text = shelf::read(path)?;
    if let Some((true, _)) = header(&text) {
        let path = path.display();
        return Err(format!(
            "`{path}` is a library: it judges nothing by itself; name a policy that uses it"
        ));
    }
    let file = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let name = path.with_file_name("policy-config.yaml").display().to_string();
    Ok(load_texts(vec![(name, chain_of(&format!("./{file}")))]))
}

/// Loads a shipped policy kind as a chain of its own, on its defaults; nothing when there is none of that name.
pub fn one_kind(name: &str) -> Option<Loaded> {
    let kind = shipped::find(shipped::KINDS, name)?;
    Some(load_texts(vec![(kind.path.to_owned(), chain_of(kind.name))]))
}

/// A configuration of one policy and nothing else.
fn chain_of(entry: &str) -> String {
    let entry = serde_json::Value::from(entry);
    format!(
        "pack: {{name: alone, version: \"0\"}}\npolicies: {{chain: [{entry}]}}\nproviders: {{targets: []}}\n"
    )
}

/// Loads named texts.
pub fn load_texts(layers: Vec<(String, String)>) -> Loaded {
    load_layers(layers, Options::default())
}

fn load_layers(layers: Vec<(String, String)>, options: Options) -> Loaded {
    let mut loader = Loader {
        sources: Sources::new(),
        diagnostics: Vec::new(),
        files: Vec::new(),
        units: Vec::new(),
        options,
    };
    let mut merged: Option<yaml::Node> = None;
    for (name, text) in layers {
        let source = loader.sources.add(name, text.clone());
        match yaml::parse(source, &text) {
            Ok(node) => merged = Some(merged.map_or(node.clone(), |base| yaml::merge(base, node))),
            Err(errors) => loader.diagnostics.extend(errors),
        }
    }
    let (config, pack) = match merged.filter(|_| !loader.failed()) {
        Some(node) => loader.decoded(&node),
        None => (None, None),
    };
    grammar::diagnostic::sort(&mut loader.diagnostics);
    let Loader { sources, diagnostics, files, units, .. } = loader;
    Loaded { pack, config, diagnostics, sources, files, units }
}

struct Loader {
    sources: Sources,
    diagnostics: Vec<Diagnostic>,
    files: Vec<File>,
    units: Vec<Unit>,
    options: Options,
}

impl Loader {
    fn failed(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// The configuration and its pack. Where the configuration has mistakes, its policies are checked all the same.
    fn decoded(&mut self, node: &yaml::Node) -> (Option<Config>, Option<Arc<Pack>>) {
        let (config, found) = config::decode(node, &self.sources);
        self.diagnostics.extend(found);
        let Some(config) = config else {
            let policies = config::chain(node, &self.sources);
            self.program(&policies, &[], true);
            return (None, None);
        };
        let program = self.program(&config.policies, &config.access.keys, config.pack.enabled.value);
        let missing = program.iter().flat_map(|program| labels::missing(&config.access.keys, program));
        self.diagnostics.extend(missing);
        let pack = program.map(|program| {
            let sources = self.sources.clone();
            let hash = digest::of(node, program.hash());
            Arc::new(Pack { program, config: config.clone(), files: files(&sources), sources, hash })
        });
        (Some(config), pack)
    }

    /// The program of a chain; a pack that is switched off runs an empty one.
    fn program(&mut self, policies: &Policies, keys: &[ClientKey], enabled: bool) -> Option<Arc<Program>> {
        let mut units = Vec::new();
        let entries = entries(policies, keys);
        for entry in &entries {
            if self.is_needless(entry, &entries) {
                continue;
            }
            match self.source(entry.name, policies.inline.as_ref()) {
                Ok(source) => units.push(self.unit(source, entry, &policies.arguments)),
                Err(diagnostic) => self.diagnostics.push(*diagnostic),
            }
        }
        self.unused(&entries, &units, &policies.arguments);
        let compiled = engine::compile_with(&units, &Shelf, &mut self.sources, self.options);
        self.diagnostics.extend(compiled.diagnostics);
        (self.files, self.units) = (compiled.files, units);
        if self.failed() {
            return None;
        }
        if enabled { compiled.program } else { engine::compile(&[], &Shelf, &mut self.sources).program }
    }

    /// Whether a key adds a policy that judges all requests anyway, which is told.
    fn is_needless(&mut self, entry: &Entry<'_>, entries: &[Entry<'_>]) -> bool {
        let same = |other: &&Entry<'_>| other.only_for.is_empty() && other.name.value == entry.name.value;
        let Some(first) = entries.iter().find(same).filter(|_| !entry.only_for.is_empty()) else {
            return false;
        };
        let message = format!("the policy `{}` judges all requests already", entry.name.value);
        let found = Diagnostic::error(codes::DUPLICATE, entry.name.span, message);
        let found = found.label("added for a key").related(first.name.span, "it is in the chain");
        self.diagnostics.push(found.help("take it out of one of them"));
        true
    }

    /// Warns of arguments that no policy will read.
    fn unused(&mut self, entries: &[Entry<'_>], units: &[Unit], all: &[Arguments]) {
        let declared: Vec<String> = units.iter().filter_map(|unit| self.policy_name(unit.source)).collect();
        let named = || entries.iter().map(|entry| entry.name.value.as_str());
        for Spanned { value: kind, span } in all.iter().map(|arguments| &arguments.kind) {
            if named().any(|name| name == kind) || declared.contains(kind) {
                continue;
            }
            let help = match nearest(kind, named().chain(declared.iter().map(String::as_str))) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "add it to `policies.chain`, or remove the block".to_owned(),
            };
            let message = format!("`{kind}` is not in the chain, so its settings are unused");
            let found = Diagnostic::warning(codes::UNUSED_BLOCK, *span, message).help(help);
            self.diagnostics.push(found.path(format!("policy.{kind}")));
        }
    }

    fn unit(&self, source: SourceId, entry: &Entry<'_>, all: &[Arguments]) -> Unit {
        let name = self.policy_name(source);
        let arguments = all.iter().find(|arguments| {
            arguments.kind.value == entry.name.value || Some(&arguments.kind.value) == name.as_ref()
        });
        let on_error =
            arguments.and_then(|arguments| arguments.on_error.as_ref()).map(|on_error| on_error.value);
        Unit {
            source,
            at: entry.name.span,
            arguments: arguments.map(|arguments| arguments.node.clone()),
            on_error: match on_error {
                Some(config::OnError::Allow) => OnError::Allow,
                Some(config::OnError::Block) | None => OnError::Block,
            },
            only_for: entry.only_for.iter().map(|name| Arc::from(*name)).collect(),
            overrides: Vec::new(),
        }
    }

    /// The rule file that a chain entry names.
    fn source(
        &mut self,
        entry: &Spanned<String>,
        inline: Option<&Inline>,
    ) -> Result<SourceId, Box<Diagnostic>> {
        let name = entry.value.as_str();
        if let Some(inline) = inline.filter(|inline| inline.name.value == name) {
            let config = self.sources.place(inline.name.span).file;
            return Ok(self.sources.add(config, inline.text.clone()));
        }
        if let Some(Shipped { path, text, .. }) = shipped::find(shipped::KINDS, name) {
            return Ok(self.sources.add(*path, *text));
        }
        let config = PathBuf::from(self.sources.place(entry.span).file);
        if Path::new(name).extension().is_some_and(|extension| extension == "ktr") {
            let path = shelf::beside(&config, name);
            let text = shelf::read(&path)
                .map_err(|message| Box::new(Diagnostic::error(codes::UNKNOWN_POLICY, entry.span, message)))?;
            return Ok(self.sources.add(path.display().to_string(), text));
        }
        self.declared_beside(&config, name).ok_or_else(|| Box::new(unknown_kind(entry)))
    }

    /// A rule file in the configuration's own folder that declares the policy.
    fn declared_beside(&mut self, config: &Path, name: &str) -> Option<SourceId> {
        let folder =
            config.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
            .ok()?
            .filter_map(|file| file.ok().map(|file| file.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "ktr"))
            .collect();
        files.sort();
        for path in files {
            let Ok(text) = shelf::read(&path) else { continue };
            if header(&text).is_some_and(|(library, policy)| !library && policy == name) {
                return Some(self.sources.add(path.display().to_string(), text));
            }
        }
        None
    }

    fn policy_name(&self, source: SourceId) -> Option<String> {
        header(&self.sources.get(source)?.text).map(|(_, name)| name)
    }
}

/// A policy that judges requests.
pub(super) struct Entry<'c> {
    /// As the chain, or a key, names it.
    pub(super) name: &'c Spanned<String>,
    /// The keys whose requests it judges; all requests where there are none.
    only_for: Vec<&'c str>,
}

/// The policies of the chain, and after them those that keys add, in the order in which they are named first.
pub(super) fn entries<'c>(policies: &'c Policies, keys: &'c [ClientKey]) -> Vec<Entry<'c>> {
    let of_all = |name| Entry { name, only_for: Vec::new() };
    // What stands there twice is told as such, and once.
    let mut seen = HashSet::new();
    let first = policies.chain.iter().filter(|name| seen.insert(name.value.as_str()));
    let mut entries: Vec<Entry<'c>> = first.map(of_all).collect();
    for (key, name) in keys.iter().flat_map(|key| key.policies.iter().map(move |name| (key, name))) {
        let added = |entry: &&mut Entry<'_>| !entry.only_for.is_empty() && entry.name.value == name.value;
        match entries.iter_mut().find(added) {
            Some(entry) => entry.only_for.push(key.name.value.as_str()),
            None => entries.push(Entry { name, only_for: vec![key.name.value.as_str()] }),
        }
    }
    entries
}

/// The files among those texts; shipped ones have names that lead nowhere.
pub(crate) fn files(sources: &Sources) -> Vec<PathBuf> {
    sources.names().map(PathBuf::from).filter(|path| path.is_file()).collect()
}

/// Whether a rule file is a library, and its name.
pub fn header(text: &str) -> Option<(bool, String)> {
    let (file, _) = grammar::parse(SourceId::default(), text);
    file.items.into_iter().find_map(|item| match item.kind {
        ItemKind::Header(header) => Some((header.library, header.name.value)),
        _ => None,
    })
}

/// The name of a rule file's policy.
pub(crate) fn policy_of(file: &File) -> Option<&str> {
    file.items.iter().find_map(|item| match &item.kind {
        ItemKind::Header(header) => Some(header.name.value.as_str()),
        _ => None,
    })
}

fn unknown_kind(entry: &Spanned<String>) -> Diagnostic {
    let kinds = shipped::KINDS.iter().map(|kind| kind.name);
    let help = match nearest(&entry.value, kinds.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!(
            "the shipped kinds are {}; a rule file of your own is named by its path, as in `./rules/house.ktr`",
            kinds.collect::<Vec<_>>().join(", ")
        ),
    };
    Diagnostic::error(codes::UNKNOWN_POLICY, entry.span, format!("there is no policy `{}`", entry.value))
        .help(help)
}
