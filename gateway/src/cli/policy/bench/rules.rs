//! The chain with but one of its rules, or with none: what a rule costs is what lies between the two.

use std::sync::Arc;

use engine::{Program, Unit};
use grammar::ast::{File, ItemKind, Phase, Rule};
use grammar::{Sources, Span};

use crate::packs::{Loaded, Shelf};

/// The rule files of a chain, of which parts can be compiled.
pub(super) struct Chain {
    units: Vec<Unit>,
    sources: Sources,
    files: Vec<File>,
}

/// A rule of the chain.
pub(super) struct OneRule {
    /// `<policy>.<rule>`.
    pub(super) name: String,
    pub(super) phases: Vec<Phase>,
    /// Where it stands.
    span: Span,
}

impl Chain {
    pub(super) fn of(loaded: Loaded) -> Self {
        Self { units: loaded.units, sources: loaded.sources, files: loaded.files }
    }

    /// Compiles all of it.
    pub(super) fn whole(&self) -> Option<Arc<Program>> {
        engine::compile(&self.units, &Shelf, &mut self.sources.clone()).program
    }

    /// Compiles it with no rule but this, or with none at all. What rules are made of stays, and costs nothing where no rule
    /// asks for it.
    pub(super) fn with(&self, kept: Option<&OneRule>) -> Option<Arc<Program>> {
        let mut sources = self.sources.clone();
        for (_, span, _) in self.written() {
            if kept.is_none_or(|kept| kept.span != span) {
                sources.blank(span);
            }
        }
        engine::compile(&self.units, &Shelf, &mut sources).program
    }

    /// The rules of the program, in the order of the chain, and the names of those that their params switch off.
    pub(super) fn rules(&self, program: &Program) -> (Vec<OneRule>, Vec<String>) {
        let one = |(policy, span, rule): (&str, Span, &Rule)| OneRule {
            name: format!("{policy}.{}", rule.name.value),
            phases: rule.phases.iter().map(|phase| phase.value).collect(),
            span,
        };
        let known = program.stats().rules;
        let (on, off): (Vec<OneRule>, Vec<OneRule>) =
            self.written().map(one).partition(|rule| known.iter().any(|known| known.name == rule.name));
        (on, off.into_iter().map(|rule| rule.name).collect())
    }

    /// Each rule with the name of its policy, and the item that it is.
    fn written(&self) -> impl Iterator<Item = (&str, Span, &Rule)> {
        self.files.iter().flat_map(|file| {
            let policy = file.items.iter().find_map(|item| match &item.kind {
                ItemKind::Header(header) => Some(header.name.value.as_str()),
                _ => None,
            });
            file.items.iter().filter_map(move |item| match &item.kind {
                ItemKind::Rule(rule) => Some((policy.unwrap_or_default(), item.documented, rule.as_ref())),
                _ => None,
            })
        })
    }
}
