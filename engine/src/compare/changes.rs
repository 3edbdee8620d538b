//! What a comparison tells: plain data, for people and programs to read.

use std::sync::Arc;

use crate::program::OnError;

/// What one chain does otherwise than another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// The order of the policies that both have, where it differs.
    pub order: Option<Changed<Vec<Arc<str>>>>,
    /// By policy; those that are new come last.
    pub policies: Vec<PolicyChange>,
    /// By pattern.
    pub patterns: Vec<PatternChange>,
}

/// Two of something that differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed<T> {
    /// Before.
    pub before: T,
    /// After.
    pub after: T,
}

impl<T: PartialEq> Changed<T> {
    /// Both, where they differ.
    pub fn of(before: T, after: T) -> Option<Self> {
        (before != after).then_some(Self { before, after })
    }
}

/// Where something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Only after.
    Added,
    /// Only before.
    Removed,
    /// In both.
    Both,
}

/// What changed in one policy.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyChange {
    /// Its name.
    pub name: Arc<str>,
    /// Where it stands; of one that is new or gone all else is left out.
    pub presence: Presence,
    /// What happens when it cannot run.
    pub on_error: Option<Changed<OnError>>,
    /// Its params.
    pub params: Vec<ParamChange>,
    /// The order of the rules that both have: of equally strong ones the first is reported.
    pub order: Option<Changed<Vec<Arc<str>>>>,
    /// Its rules.
    pub rules: Vec<RuleChange>,
    /// Its scores.
    pub scores: Vec<ScoreChange>,
    /// Its scripts; what they compute is not compared.
    pub scripts: Vec<ScriptChange>,
}

/// A param.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamChange {
    /// Its name.
    pub name: Arc<str>,
    /// Where it stands.
    pub presence: Presence,
    /// What of it differs, or all of it where it stands in one only.
    pub facets: Vec<Facet>,
}

/// One thing that something says of itself, before and after.
#[derive(Clone, Debug, PartialEq)]
pub struct Facet {
    /// What it is called: `code`, `severity`, `type`.
    pub part: &'static str,
    /// Before; absent when it was not said.
    pub before: Option<String>,
    /// After.
    pub after: Option<String>,
}

impl Facet {
    /// The facet, where both differ.
    pub fn of(part: &'static str, before: Option<String>, after: Option<String>) -> Option<Self> {
        (before != after).then_some(Self { part, before, after })
    }
}

/// What became of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// Its params switched it off before.
    SwitchedOn,
    /// Its params switch it off now.
    SwitchedOff,
    /// It has another name.
    Renamed,
    /// It says something else.
    Changed,
}

/// A rule.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleChange {
    /// Its name.
    pub name: Arc<str>,
    /// What became of it.
    pub fate: Fate,
    /// What of it differs. Of a rule that is new or gone: what it says.
    pub facets: Vec<Facet>,
    /// How its condition differs.
    pub condition: Option<ConditionChange>,
}

/// A condition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConditionChange {
    /// Parts that it no longer has.
    pub lost: Vec<String>,
    /// Parts that it has now.
    pub gained: Vec<String>,
    /// What was written and is written.
    pub clauses: Vec<ClauseChange>,
}

/// `when` or `unless`, as written.
#[derive(Clone, Debug, PartialEq)]
pub struct ClauseChange {
    /// `when` or `unless`.
    pub part: &'static str,
    /// Before.
    pub before: Option<Excerpt>,
    /// After.
    pub after: Option<Excerpt>,
}

/// A piece of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The file.
    pub file: String,
    /// The line that it begins on.
    pub line: usize,
    /// What is written.
    pub text: String,
}

/// A score.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreChange {
    /// Its name.
    pub name: Arc<str>,
    /// The rules that ask it.
    pub rules: Vec<Arc<str>>,
    /// Terms that it no longer has.
    pub lost: Vec<String>,
    /// Terms that it has now.
    pub gained: Vec<String>,
    /// The range that it is kept in.
    pub clamp: Option<Facet>,
}

/// A script whose text differs.
#[derive(Clone, Debug, PartialEq)]
pub struct ScriptChange {
    /// Its name.
    pub name: Arc<str>,
    /// The rules that call it.
    pub rules: Vec<Arc<str>>,
}

/// A pattern in one view.
#[derive(Clone, Debug, PartialEq)]
pub struct PatternChange {
    /// Its name, as it is now or else was.
    pub name: Arc<str>,
    /// The name that it had, where that was another.
    pub was: Option<Arc<str>>,
    /// Its label, as it is now or else was.
    pub label: Arc<str>,
    /// The view that it looks at.
    pub view: &'static str,
    /// Where it stands.
    pub presence: Presence,
    /// The rules that look for it.
    pub rules: Vec<Arc<str>>,
    /// What of it differs: its expression, label, checks, neighbours, captured group.
    pub facets: Vec<Facet>,
    /// Words that it no longer looks for.
    pub lost_words: Vec<String>,
    /// Words that it looks for now.
    pub gained_words: Vec<String>,
    /// How what it finds differs.
    pub finds: Finds,
}

/// How what is found differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Finds {
    /// What is found now and was not.
    pub gained: Reach,
    /// What was found and is not any more.
    pub lost: Reach,
    /// What is found as before, though another part of it.
    pub moved: Moved,
}

/// Whether there is anything of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// There is nothing, as was proved.
    Nothing,
    /// There is this text, as both sides were asked.
    Example(String),
    /// None was met, and that there is none was not proved.
    Open,
}

/// Whether of some text another part is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moved {
    /// There is none, as was proved.
    Nothing,
    /// In this text.
    Example {
        /// The text.
        text: String,
        /// What was found in it.
        before: Vec<String>,
        /// What is found in it now.
        after: Vec<String>,
    },
    /// None was met, and that there is none was not proved.
    Open,
}

/// How a pattern's finds relate to what they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// It finds the same.
    Same,
    /// It finds more.
    Widened,
    /// It finds less.
    Narrowed,
    /// It finds some things more and others no longer.
    BothWays,
    /// It finds something in the same texts, and other parts of them.
    OtherParts,
    /// Whether it finds the same is not known.
    Undecided,
}

impl Relation {
    /// As written.
    pub fn name(self) -> &'static str {
        match self {
            Relation::Same => "same",
            Relation::Widened => "widened",
            Relation::Narrowed => "narrowed",
            Relation::BothWays => "changed both ways",
            Relation::OtherParts => "finds other parts",
            Relation::Undecided => "undecided",
        }
    }
}

impl Finds {
    /// Where both find the same, without a doubt.
    pub const SAME: Finds = Finds { gained: Reach::Nothing, lost: Reach::Nothing, moved: Moved::Nothing };

    /// All of it in a word.
    pub fn relation(&self) -> Relation {
        match (&self.gained, &self.lost, &self.moved) {
            (Reach::Example(_), Reach::Example(_), _) => Relation::BothWays,
            (Reach::Example(_), Reach::Nothing | Reach::Open, _) => Relation::Widened,
            (Reach::Nothing | Reach::Open, Reach::Example(_), _) => Relation::Narrowed,
            (_, _, Moved::Example { .. }) => Relation::OtherParts,
            (Reach::Nothing, Reach::Nothing, Moved::Nothing) => Relation::Same,
            (Reach::Nothing | Reach::Open, Reach::Nothing | Reach::Open, Moved::Nothing | Moved::Open) => {
                Relation::Undecided
            }
        }
    }
}

impl PatternChange {
    /// Whether it does what it did, and is only written otherwise.
    pub fn is_same(&self) -> bool {
        let told = self.facets.iter().any(|facet| !Self::WRITING.contains(&facet.part));
        self.presence == Presence::Both && !told && self.finds.relation() == Relation::Same
    }

    /// Facets that are only how it is written.
    const WRITING: [&'static str; 2] = ["written", "words written"];
}

impl PolicyChange {
    /// How many changes there are; of a policy that is new or gone one.
    pub fn count(&self) -> usize {
        match self.presence {
            Presence::Added | Presence::Removed => 1,
            Presence::Both => {
                usize::from(self.on_error.is_some())
                    + usize::from(self.order.is_some())
                    + self.params.len()
                    + self.rules.len()
                    + self.scores.len()
                    + self.scripts.len()
            }
        }
    }
}

impl Changes {
    /// How many changes in behaviour there are.
    pub fn count(&self) -> usize {
        let policies: usize = self.policies.iter().map(PolicyChange::count).sum();
        let patterns = self.patterns.iter().filter(|pattern| !pattern.is_same()).count();
        policies + patterns + usize::from(self.order.is_some())
    }
}
