//! Patterns of a comparison as people read them: what each finds now and did not, and the other way round.

use engine::compare::changes::{Facet, Moved, PatternChange, Presence, Reach, Relation};

use super::told::Teller;

/// How many words are named on a line.
const SHOWN: usize = 12;
/// How many characters of an expression are shown.
const LONGEST: usize = 120;

/// Tells of one pattern.
pub(super) fn tell(pattern: &PatternChange, teller: &mut Teller<'_>) {
    if pattern.is_same() {
        teller.line(1, &format!("= {}: written otherwise, finds the same", title(pattern)));
        return;
    }
    let sign = teller.sign(pattern.presence);
    let relation = match pattern.presence {
        Presence::Added | Presence::Removed => String::new(),
        Presence::Both => format!(": {}", word(pattern)),
    };
    teller.line(1, &format!("{sign} {}{relation}", title(pattern)));
    if let Some(was) = &pattern.was {
        teller.line(2, &format!("was called {was}"));
    }
    // Words are told one by one.
    for facet in pattern.facets.iter().filter(|facet| facet.part != "words written") {
        teller.facet(2, &shortened(facet));
    }
    words("no longer looks for", &pattern.lost_words, teller);
    words("now also looks for", &pattern.gained_words, teller);
    finds(pattern, teller);
    if !pattern.rules.is_empty() {
        teller.line(2, &format!("in {}", pattern.rules.join(", ")));
    }
}

/// Name, label and view.
fn title(pattern: &PatternChange) -> String {
    let view = if pattern.view == "folded" { String::new() } else { format!(" in {} text", pattern.view) };
    format!("{} [{}]{view}", cut(&pattern.name), pattern.label)
}

/// All of it in a word.
fn word(pattern: &PatternChange) -> &'static str {
    match pattern.finds.relation() {
        Relation::Same => "finds the same, and is told otherwise",
        Relation::Undecided => "whether it finds the same could not be found out",
        relation @ (Relation::Widened | Relation::Narrowed | Relation::BothWays | Relation::OtherParts) => {
            relation.name()
        }
    }
}

fn finds(pattern: &PatternChange, teller: &mut Teller<'_>) {
    match pattern.presence {
        Presence::Added => example("finds", &pattern.finds.gained, teller),
        Presence::Removed => example("found", &pattern.finds.lost, teller),
        Presence::Both => {
            example("now also finds", &pattern.finds.gained, teller);
            example("no longer finds", &pattern.finds.lost, teller);
            moved(&pattern.finds.moved, teller);
            certainty(pattern, teller);
        }
    }
}

fn example(words: &str, reach: &Reach, teller: &mut Teller<'_>) {
    if let Reach::Example(text) = reach {
        teller.line(2, &format!("{words} {text:?}"));
    }
}

fn moved(moved: &Moved, teller: &mut Teller<'_>) {
    if let Moved::Example { text, before, after } = moved {
        let list =
            |parts: &[String]| parts.iter().map(|part| format!("{part:?}")).collect::<Vec<_>>().join(", ");
        teller.line(2, &format!("of {text:?} found {}, and now {}", list(before), list(after)));
    }
}

/// What is proved, and what is not, of that for which there is no example.
fn certainty(pattern: &PatternChange, teller: &mut Teller<'_>) {
    let finds = &pattern.finds;
    let (more, less) = ("that it finds nothing more", "that it finds all that it found");
    let open: Vec<&str> = [(more, &finds.gained), (less, &finds.lost)]
        .into_iter()
        .filter(|(_, reach)| **reach == Reach::Open)
        .map(|(what, _)| what)
        .collect();
    match finds.relation() {
        Relation::Widened | Relation::Undecided if finds.lost == Reach::Nothing => {
            teller.line(2, "finds all that it found");
        }
        Relation::Narrowed | Relation::Undecided if finds.gained == Reach::Nothing => {
            teller.line(2, "finds nothing more");
        }
        _ => {}
    }
    if !open.is_empty() {
        teller.line(2, &format!("{} was not proved; no text to the contrary was met", open.join(" and ")));
    } else if finds.relation() == Relation::Undecided {
        teller.line(2, "finds something in the same texts; whether the same parts of them was not proved");
    }
}

fn words(what: &str, words: &[String], teller: &mut Teller<'_>) {
    if words.is_empty() {
        return;
    }
    let mut shown: Vec<String> = words.iter().take(SHOWN).map(|word| format!("{word:?}")).collect();
    if words.len() > SHOWN {
        shown.push(format!("and {} more", words.len() - SHOWN));
    }
    teller.line(2, &format!("{what} {}", shown.join(", ")));
}

fn shortened(facet: &Facet) -> Facet {
    let cut = |text: &Option<String>| Some(text.as_ref().map_or("none".to_owned(), |text| cut(text)));
    Facet { part: facet.part, before: cut(&facet.before), after: cut(&facet.after) }
}

fn cut(text: &str) -> String {
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
