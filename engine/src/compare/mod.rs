//! What one chain of policies does otherwise than another: behaviour is compared, not text.
//!
//! Both are compiled. Conditions are brought into one form, in which names, layout and the order of what may change places
//! leave no trace; patterns are compared by what they find, with texts that both were asked about.

mod candidates;
pub mod changes;
mod conditions;
mod families;
mod finds;
mod hints;
mod joint;
mod params;
mod patterns;
mod rules;
mod scores;
#[cfg(test)]
mod tests;
mod uses;
mod wording;

use std::collections::BTreeSet;
use std::sync::Arc;

use grammar::Sources;
use grammar::ast::{File, ItemKind};

use crate::program::{Policy, Program};
use changes::{Changed, Changes, PatternChange, PolicyChange, Presence};
use families::{Families, Pair};
use joint::{Joint, Slots, Taken};
use params::Declared;
use patterns::Patterns;
use rules::Rules;
use uses::{Uses, full_name};
use wording::Names;

/// A chain, compiled, with the texts that it was made of.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// The program.
    pub program: &'a Program,
    /// The trees of its rule files.
    pub files: &'a [File],
    /// Their texts, and those of the libraries that they use.
    pub sources: &'a Sources,
}

/// Something before and after.
struct Two<T> {
    before: T,
    after: T,
}

/// What changes from one chain to another.
pub fn compare(before: &Side<'_>, after: &Side<'_>) -> Changes {
    let comparison = Comparison::new(before, after);
    Changes {
        order: order(before.program, after.program),
        policies: comparison.policies(),
        patterns: comparison.patterns(true),
    }
}

/// What changes in the patterns of two libraries.
pub fn compare_patterns(before: &Side<'_>, after: &Side<'_>) -> Vec<PatternChange> {
    let mut found = Comparison::new(before, after).patterns(false);
    // The rules that look for them are made for the purpose.
    found.iter_mut().for_each(|change| change.rules.clear());
    found
}

/// The order of the policies that both have, where it differs.
fn order(before: &Program, after: &Program) -> Option<Changed<Vec<Arc<str>>>> {
    let names = |program: &Program| -> Vec<Arc<str>> {
        program.policies.iter().map(|policy| Arc::clone(&policy.name)).collect()
    };
    in_order(names(before), names(after))
}

/// Two orders of the names that both have, where they differ.
fn in_order(before: Vec<Arc<str>>, after: Vec<Arc<str>>) -> Option<Changed<Vec<Arc<str>>>> {
    let common = |these: &[Arc<str>], those: &[Arc<str>]| -> Vec<Arc<str>> {
        these.iter().filter(|name| those.contains(name)).cloned().collect()
    };
    Changed::of(common(&before, &after), common(&after, &before))
}

/// Two chains, and which things of theirs are the same.
struct Comparison<'a> {
    sides: Two<&'a Side<'a>>,
    uses: Two<Uses>,
    families: Two<Families<'a>>,
    pairs: Vec<Pair>,
    slots: Two<Slots>,
    names: Two<Names>,
}

impl<'a> Comparison<'a> {
    fn new(before: &'a Side<'a>, after: &'a Side<'a>) -> Self {
        let sides = Two { before, after };
        let uses = Two { before: Uses::of(before.program), after: Uses::of(after.program) };
        let families = Two {
            before: Families::of(before.program, &uses.before),
            after: Families::of(after.program, &uses.after),
        };
        let pairs = families::pair(&families.before, &families.after);
        let mut slots = Two { before: Slots::default(), after: Slots::default() };
        slots.before.detectors = families::slots(&families.before, &pairs, |pair| &pair.before);
        slots.after.detectors = families::slots(&families.after, &pairs, |pair| &pair.after);
        scores::slots(&sides, &uses, &mut slots);
        let names = Two {
            before: names(&families.before, &pairs, |pair| &pair.before, before.program, &slots.before),
            after: names(&families.after, &pairs, |pair| &pair.after, after.program, &slots.after),
        };
        Self { sides, uses, families, pairs, slots, names }
    }

    fn policies(&self) -> Vec<PolicyChange> {
        let (before, after) = (self.sides.before.program, self.sides.after.program);
        let place =
            |program: &Program, name: &str| program.policies.iter().position(|policy| &*policy.name == name);
        let mut rules = Rules {
            sides: Two { before: self.sides.before, after: self.sides.after },
            names: Two { before: &self.names.before, after: &self.names.after },
            taken: Two {
                before: Taken::of(before, &self.slots.before),
                after: Taken::of(after, &self.slots.after),
            },
            joint: Joint::default(),
        };
        let mut found = Vec::new();
        for (index, policy) in before.policies.iter().enumerate() {
            match place(after, &policy.name) {
                Some(other) => found.extend(self.policy(index, other, &mut rules)),
                None => found.push(alone(policy, Presence::Removed)),
            }
        }
        let fresh = after.policies.iter().filter(|policy| place(before, &policy.name).is_none());
        found.extend(fresh.map(|policy| alone(policy, Presence::Added)));
        found
    }

    /// A policy that both have.
    fn policy(&self, before: usize, after: usize, rules: &mut Rules<'_, 'a>) -> Option<PolicyChange> {
        let was = self.sides.before.program.policies.get(before)?;
        let is = self.sides.after.program.policies.get(after)?;
        let declared =
            |side: &Side<'a>, policy: &'a Policy| Declared { policy, file: file(side, &policy.name) };
        let scores = scores::compare(&self.sides, &self.uses, &self.slots, &self.names);
        let scripts = scores::compare_scripts(&self.sides, &self.uses, &self.slots);
        let change = PolicyChange {
            on_error: Changed::of(was.on_error, is.on_error),
            params: params::compare(declared(self.sides.before, was), declared(self.sides.after, is)),
            order: in_order(rules::order(self.sides.before, before), rules::order(self.sides.after, after)),
            rules: rules.compare(before, after),
            scores: of_policy(scores, &is.name),
            scripts: of_policy(scripts, &is.name),
            ..alone(is, Presence::Both)
        };
        (change.count() > 0).then_some(change)
    }

    /// The patterns that differ.
    fn patterns(&self, with_rules: bool) -> Vec<PatternChange> {
        let names = |program: &Program| -> BTreeSet<Arc<str>> {
            (0..program.rules.len()).map(|rule| full_name(program, rule)).collect()
        };
        let (old, new) = (names(self.sides.before.program), names(self.sides.after.program));
        let hints = hints::collect([self.sides.before.sources, self.sides.after.sources]);
        let patterns = Patterns {
            before: &self.families.before,
            after: &self.families.after,
            hints: &hints,
            common: with_rules.then(|| old.intersection(&new).cloned().collect()),
        };
        self.pairs.iter().filter_map(|pair| patterns.compare(pair)).collect()
    }
}

fn of_policy<T>(all: Vec<(String, T)>, name: &str) -> Vec<T> {
    all.into_iter().filter(|(policy, _)| policy == name).map(|(_, change)| change).collect()
}

/// A policy of which nothing differs but where it stands.
fn alone(policy: &Policy, presence: Presence) -> PolicyChange {
    PolicyChange {
        name: Arc::clone(&policy.name),
        presence,
        on_error: None,
        params: Vec::new(),
        order: None,
        rules: Vec::new(),
        scores: Vec::new(),
        scripts: Vec::new(),
    }
}

/// The rule file of a policy.
fn file<'a>(side: &Side<'a>, policy: &str) -> Option<&'a File> {
    side.files.iter().find(|file| {
        file.items
            .iter()
            .any(|item| matches!(&item.kind, ItemKind::Header(header) if header.name.value == policy))
    })
}

/// What a program calls the things that have slots.
fn names(
    families: &Families<'_>,
    pairs: &[Pair],
    side: fn(&Pair) -> &[usize],
    program: &Program,
    slots: &Slots,
) -> Names {
    let mut names = Names::default();
    for pair in pairs {
        let of_pair: Vec<_> = side(pair).iter().filter_map(|place| families.all.get(*place)).collect();
        let view = of_pair.first().map(|family| family.view).unwrap_or_default();
        let called = of_pair.iter().map(|family| patterns::called(family).to_string()).collect();
        names.patterns.push((view, called));
    }
    let put = |all: &mut Vec<String>, slot: u32, name: &str| {
        let slot = slot as usize;
        if all.len() <= slot {
            all.resize(slot + 1, String::new());
        }
        if let Some(known) = all.get_mut(slot) {
            name.clone_into(known);
        }
    };
    for (slot, score) in slots.scores.iter().zip(&program.scores) {
        put(&mut names.scores, *slot, &score.name);
    }
    for (slot, script) in slots.scripts.iter().zip(&program.scripts) {
        put(&mut names.scripts, *slot, &script.name);
    }
    names
}
