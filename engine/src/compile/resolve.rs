//! Names: every file's declarations, and what it takes from others.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use grammar::ast::{self, File, ItemKind};
use grammar::diagnostic::{did_you_mean, nearest};
use grammar::{Diagnostic, SourceId, Sources, Span, codes};

use super::{Library, Unit};

/// All files of a chain, their names tied together.
pub(super) struct Linked {
    pub(super) units: Vec<LinkedUnit>,
    /// Every pattern of every file.
    pub(super) patterns: Vec<PatternDef>,
}

/// One policy file.
pub(super) struct LinkedUnit {
    pub(super) name: Arc<str>,
    pub(super) version: Option<Arc<str>>,
    pub(super) file: File,
    pub(super) source: SourceId,
    pub(super) names: Names,
    pub(super) params: Vec<ast::Param>,
    pub(super) lets: Vec<ast::Let>,
    pub(super) functions: Vec<ast::Function>,
    pub(super) scores: Vec<ast::Score>,
    pub(super) scripts: Vec<ast::Script>,
    pub(super) rules: Vec<ast::Rule>,
}

/// What names stand for in one file.
pub(super) type Names = BTreeMap<String, (Symbol, Span)>;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Symbol {
    Param(usize),
    Pattern(usize),
    Let(usize),
    Function(usize),
    Score(usize),
    Script(usize),
}

/// A declared pattern.
pub(super) struct PatternDef {
    pub(super) ast: ast::Pattern,
    /// The members of an `any of`, or empty.
    pub(super) members: Vec<usize>,
    /// The params that an `any of` or `words` takes its members from, with the unit that owns them.
    pub(super) params: Vec<usize>,
    /// The file that declares it.
    pub(super) source: SourceId,
}

/// Parses every unit, loads what it uses and ties the names.
pub(super) fn link(
    units: &[Unit],
    library: &dyn Library,
    sources: &mut Sources,
    diagnostics: &mut Vec<Diagnostic>,
) -> Linked {
    let mut linker = Linker { library, sources, diagnostics, patterns: Vec::new(), files: HashMap::new() };
    let mut policies: Vec<LinkedUnit> = Vec::new();
    for unit in units {
        let linked = linker.unit(unit.source);
        if policies.iter().any(|other| other.name == linked.name) {
            let message = format!("policy `{}` is in the chain twice", linked.name);
            linker.diagnostics.push(Diagnostic::error(codes::DUPLICATE, unit.at, message).help("remove one"));
        }
        policies.push(linked);
    }
    Linked { units: policies, patterns: linker.patterns }
}

struct Linker<'a> {
    library: &'a dyn Library,
    sources: &'a mut Sources,
    diagnostics: &'a mut Vec<Diagnostic>,
    patterns: Vec<PatternDef>,
    /// Library files by name; `None` while they are being loaded, so that a cycle is noticed.
    files: HashMap<String, Option<Names>>,
}

impl Linker<'_> {
    fn parse(&mut self, source: SourceId) -> File {
        let text = self.sources.get(source).map_or(String::new(), |source| source.text.clone());
        let (file, errors) = grammar::parse(source, &text);
        self.diagnostics.extend(errors);
        file
    }

    fn unit(&mut self, source: SourceId) -> LinkedUnit {
        let file = self.parse(source);
        let mut unit = LinkedUnit {
            name: Arc::from(""),
            version: None,
            source,
            names: Names::new(),
            params: Vec::new(),
            lets: Vec::new(),
            functions: Vec::new(),
            scores: Vec::new(),
            scripts: Vec::new(),
            rules: Vec::new(),
            file,
        };
        self.header(&mut unit);
        let items = std::mem::take(&mut unit.file.items);
        self.imports(&items, source, &mut unit.names);
        let first_pattern = self.patterns.len();
        for item in &items {
            self.declare(item, &mut unit);
        }
        unit.file.items = items;
        self.tie_members(first_pattern, &unit.names);
        unit
    }

    fn header(&mut self, unit: &mut LinkedUnit) {
        let start = Span::new(unit.source, 0, 0);
        let mut header = None;
        for item in &unit.file.items {
            match &item.kind {
                ItemKind::Header(found) if header.is_none() => header = Some(found),
                ItemKind::Header(found) => self.diagnostics.push(
                    Diagnostic::error(codes::DUPLICATE, found.name.span, "a rule file has one policy")
                        .help("move the second policy to a file of its own"),
                ),
                ItemKind::Version(version) => unit.version = Some(version.value.as_str().into()),
                _ => {}
            }
        }
        match header {
            Some(header) if header.library => self.diagnostics.push(
                Diagnostic::error(
                    codes::UNKNOWN_POLICY,
                    header.name.span,
                    "a library cannot be run as a policy",
                )
                .help(format!("write `use {} (…)` in a policy", header.name.value)),
            ),
            Some(header) => unit.name = header.name.value.as_str().into(),
            // A file that did not parse at all has said so already.
            None if unit.file.items.is_empty() && !self.diagnostics.is_empty() => {}
            None => self.diagnostics.push(
                Diagnostic::error(codes::MISSING, start, "this rule file does not say which policy it is")
                    .help("begin it with `policy NAME`"),
            ),
        }
    }

    fn declare(&mut self, item: &ast::Item, unit: &mut LinkedUnit) {
        match &item.kind {
            ItemKind::Param(param) => {
                self.name(&mut unit.names, &param.name, Symbol::Param(unit.params.len()));
                unit.params.push(param.clone());
            }
            ItemKind::Pattern(pattern) => self.pattern(pattern, unit.source, &mut unit.names),
            ItemKind::Let(item) => {
                self.name(&mut unit.names, &item.name, Symbol::Let(unit.lets.len()));
                unit.lets.push(item.clone());
            }
            ItemKind::Function(function) => {
                self.name(&mut unit.names, &function.name, Symbol::Function(unit.functions.len()));
                unit.functions.push(function.clone());
            }
            ItemKind::Score(score) => {
                self.name(&mut unit.names, &score.name, Symbol::Score(unit.scores.len()));
                unit.scores.push(score.clone());
            }
            ItemKind::Script(script) => {
                self.name(&mut unit.names, &script.name, Symbol::Script(unit.scripts.len()));
                unit.scripts.push(script.clone());
            }
            ItemKind::Rule(rule) => {
                if let Some(other) = unit.rules.iter().find(|other| other.name.value == rule.name.value) {
                    self.twice(&rule.name, other.name.span);
                }
                unit.rules.push((**rule).clone());
            }
            ItemKind::Header(_) | ItemKind::Version(_) | ItemKind::Use(_) | ItemKind::Test(_) => {}
        }
    }

    fn pattern(&mut self, pattern: &ast::Pattern, source: SourceId, names: &mut Names) {
        self.name(names, &pattern.name, Symbol::Pattern(self.patterns.len()));
        self.patterns.push(PatternDef {
            ast: pattern.clone(),
            members: Vec::new(),
            params: Vec::new(),
            source,
        });
    }

    fn name(&mut self, names: &mut Names, name: &ast::Name, symbol: Symbol) {
        match names.get(&name.value) {
            Some((_, first)) => {
                let first = *first;
                self.twice(name, first);
            }
            None => {
                names.insert(name.value.clone(), (symbol, name.span));
            }
        }
    }

    fn twice(&mut self, name: &ast::Name, first: Span) {
        self.diagnostics.push(
            Diagnostic::error(codes::DUPLICATE, name.span, format!("`{}` is declared twice", name.value))
                .related(first, "first here")
                .help("give one of them another name"),
        );
    }

    /// Ties the names in `any of` and `words` of the patterns declared since `first`.
    fn tie_members(&mut self, first: usize, names: &Names) {
        for index in first..self.patterns.len() {
            let Some(pattern) = self.patterns.get(index) else { continue };
            let wanted: Vec<ast::Name> = match &pattern.ast.body.value {
                ast::PatternBody::AnyOf(members) => members.clone(),
                ast::PatternBody::Words { words: ast::Words::Param(param), .. } => vec![param.clone()],
                ast::PatternBody::Words { .. } | ast::PatternBody::Regex(_) => continue,
            };
            let only_params = matches!(pattern.ast.body.value, ast::PatternBody::Words { .. });
            let (mut members, mut params) = (Vec::new(), Vec::new());
            for name in wanted {
                match names.get(&name.value) {
                    Some((Symbol::Param(param), _)) => params.push(*param),
                    Some((Symbol::Pattern(member), _)) if !only_params && *member < index => {
                        members.push(*member)
                    }
                    Some((Symbol::Pattern(_), _)) if !only_params => self.diagnostics.push(
                        Diagnostic::error(
                            codes::UNKNOWN_NAME,
                            name.span,
                            format!("`{}` is declared further down", name.value),
                        )
                        .help("declare a pattern before the set that holds it"),
                    ),
                    _ => self.diagnostics.push(
                        Diagnostic::error(
                            codes::UNKNOWN_NAME,
                            name.span,
                            format!("there is no pattern or param `{}`", name.value),
                        )
                        .maybe_help(did_you_mean(&name.value, names.keys().map(String::as_str))),
                    ),
                }
            }
            if let Some(pattern) = self.patterns.get_mut(index) {
                pattern.members = members;
                pattern.params = params;
            }
        }
    }

    fn imports(&mut self, items: &[ast::Item], source: SourceId, names: &mut Names) {
        for item in items {
            let ItemKind::Use(import) = &item.kind else { continue };
            let Some(exported) = self.exports(import, source) else { continue };
            for name in &import.names {
                match exported.get(&name.value) {
                    Some((symbol, _)) => self.name(names, name, *symbol),
                    None => self.diagnostics.push(
                        Diagnostic::error(
                            codes::BAD_USE,
                            name.span,
                            format!("`{}` has no pattern `{}`", import.from.value, name.value),
                        )
                        .maybe_help(did_you_mean(&name.value, exported.keys().map(String::as_str))),
                    ),
                }
            }
        }
    }

    /// The patterns that a library declares; loaded once.
    fn exports(&mut self, import: &ast::Use, from: SourceId) -> Option<Names> {
        let found = if import.is_path {
            let from = self.sources.get(from).map_or(String::new(), |source| source.name.clone());
            self.library.file(&from, &import.from.value)
        } else {
            self.library.library(&import.from.value).ok_or_else(|| self.no_library(&import.from.value))
        };
        let (name, text) = match found {
            Ok(found) => found,
            Err(message) => {
                self.diagnostics.push(Diagnostic::error(codes::BAD_USE, import.from.span, message));
                return None;
            }
        };
        match self.files.get(&name) {
            Some(Some(names)) => return Some(names.clone()),
            Some(None) => {
                let message = format!("`{}` uses itself, directly or through others", import.from.value);
                self.diagnostics.push(
                    Diagnostic::error(codes::BAD_USE, import.from.span, message)
                        .help("move what both need to a third file"),
                );
                return None;
            }
            None => {}
        }
        self.files.insert(name.clone(), None);
        let exported = self.load(&name, text);
        self.files.insert(name, Some(exported.clone()));
        Some(exported)
    }

    fn no_library(&self, wanted: &str) -> String {
        let names = self.library.names();
        match nearest(wanted, names.iter().map(String::as_str)) {
            Some(near) => format!("there is no library `{wanted}`; did you mean `{near}`?"),
            None => format!("there is no library `{wanted}`; there are {}", names.join(", ")),
        }
    }

    fn load(&mut self, name: &str, text: String) -> Names {
        let source = self.sources.add_library(name, text);
        let file = self.parse(source);
        let mut names = Names::new();
        self.imports(&file.items, source, &mut names);
        let first = self.patterns.len();
        for item in &file.items {
            match &item.kind {
                ItemKind::Pattern(pattern) => {
                    if let ast::PatternBody::Words { fuzzy: Some(fuzzy), .. } = &pattern.body.value {
                        let message = "a word list of a library cannot be `fuzzy`";
                        self.diagnostics.push(
                            Diagnostic::error(codes::BAD_USE, fuzzy.span, message)
                                .help("how much may differ is the policy's to say: declare the list there"),
                        );
                    }
                    self.pattern(pattern, source, &mut names);
                }
                ItemKind::Header(_) | ItemKind::Version(_) | ItemKind::Use(_) | ItemKind::Test(_) => {}
                ItemKind::Param(_)
                | ItemKind::Let(_)
                | ItemKind::Function(_)
                | ItemKind::Score(_)
                | ItemKind::Script(_)
                | ItemKind::Rule(_) => {
                    self.diagnostics.push(
                        Diagnostic::error(
                            codes::BAD_USE,
                            item.span,
                            "a library declares patterns and nothing else",
                        )
                        .help("move this to the policy that needs it"),
                    );
                }
            }
        }
        self.tie_members(first, &names);
        names
    }
}
