//! Whether every match of an expression holds one of some keywords.

use regex_syntax::hir::{Class, Hir, HirKind};

/// The most texts that are followed.
const MOST: usize = 64;

/// Whether every match holds one of the keywords, which are in lower case. What cannot be told counts as no.
pub(super) fn are_implied(regex: &str, keywords: &[String]) -> bool {
    let parsed = regex_syntax::ParserBuilder::new().unicode(true).build().parse(regex);
    parsed.is_ok_and(|hir| holds(&hir, keywords))
}

fn holds(hir: &Hir, keywords: &[String]) -> bool {
    if texts(hir).is_some_and(|texts| all_hold(&texts, keywords)) {
        return true;
    }
    match hir.kind() {
        HirKind::Capture(capture) => holds(&capture.sub, keywords),
        HirKind::Repetition(repetition) => repetition.min > 0 && holds(&repetition.sub, keywords),
        HirKind::Alternation(sides) => sides.iter().all(|side| holds(side, keywords)),
        HirKind::Concat(parts) => {
            // A keyword may reach over parts that stand side by side.
            let mut run = vec![String::new()];
            for part in flat(parts) {
                if holds(part, keywords) {
                    return true;
                }
                run = match texts(part) {
                    Some(more) => product(&run, &more).unwrap_or(more),
                    None => vec![String::new()],
                };
                if all_hold(&run, keywords) {
                    return true;
                }
            }
            false
        }
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => false,
    }
}

/// The parts, those of groups and of parts that are themselves several laid out.
fn flat(parts: &[Hir]) -> Vec<&Hir> {
    let mut all = Vec::new();
    for part in parts {
        match part.kind() {
            HirKind::Capture(capture) => all.extend(flat(std::slice::from_ref(&capture.sub))),
            HirKind::Concat(inner) => all.extend(flat(inner)),
            _ => all.push(part),
        }
    }
    all
}

fn all_hold(texts: &[String], keywords: &[String]) -> bool {
    !texts.is_empty()
        && texts.iter().all(|text| keywords.iter().any(|keyword| text.contains(keyword.as_str())))
}

/// All texts of a part in lower case, if they are few.
fn texts(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(vec![String::new()]),
        HirKind::Literal(literal) => Some(vec![std::str::from_utf8(&literal.0).ok()?.to_lowercase()]),
        HirKind::Class(Class::Unicode(class)) => {
            let length: u32 =
                class.iter().map(|range| u32::from(range.end()) - u32::from(range.start()) + 1).sum();
            if length > 8 {
                return None;
            }
            let letters = class.iter().flat_map(|range| range.start()..=range.end());
            let mut all: Vec<String> = letters.map(|c| c.to_lowercase().collect()).collect();
            // The long s and the Kelvin sign are other cases of letters that nobody writes so.
            all.retain(|letter| letter.is_ascii());
            all.sort();
            all.dedup();
            (!all.is_empty()).then_some(all)
        }
        HirKind::Class(Class::Bytes(_)) => None,
        HirKind::Repetition(repetition) => match (repetition.min, repetition.max) {
            (0, Some(1)) => {
                let mut all = texts(&repetition.sub)?;
                all.push(String::new());
                Some(all)
            }
            (1, Some(1)) => texts(&repetition.sub),
            _ => None,
        },
        HirKind::Capture(capture) => texts(&capture.sub),
        HirKind::Concat(parts) => {
            let mut run = vec![String::new()];
            for part in parts {
                run = product(&run, &texts(part)?)?;
            }
            Some(run)
        }
        HirKind::Alternation(sides) => {
            let mut all = Vec::new();
            for side in sides {
                all.extend(texts(side)?);
                if all.len() > MOST {
                    return None;
                }
            }
            Some(all)
        }
    }
}

fn product(heads: &[String], tails: &[String]) -> Option<Vec<String>> {
    if heads.len().saturating_mul(tails.len()) > MOST {
        return None;
    }
    Some(heads.iter().flat_map(|head| tails.iter().map(move |tail| format!("{head}{tail}"))).collect())
}

#[cfg(test)]
mod tests {
    use super::are_implied;

    fn implied(regex: &str, keywords: &[&str]) -> bool {
        let keywords: Vec<String> = keywords.iter().map(ToString::to_string).collect();
        are_implied(regex, &keywords)
    }

    #[test]
    fn keywords_that_every_match_holds() {
        assert!(implied(r"\b(A3-[A-Z0-9]{6})", &["a3-"]));
        assert!(implied(r"(?i)[\w.-]{0,50}?(?:linked[_-]?in)x", &["linkedin", "linked_in", "linked-in"]));
        assert!(implied(
            r"\b((?:sk|rk)_(?:test|live)_[a-z]{9})",
            &["sk_test", "sk_live", "rk_test", "rk_live"]
        ));
        assert!(implied(r"(?i)slack(?:x|y)", &["slack"]));
        assert!(!implied(r"\b[a-f0-9]{64}\b", &["airtable"]));
        assert!(!implied(r"(?:facebook)?[0-9]{15}", &["facebook"]));
        assert!(!implied(r"(?:a|facebook)[0-9]{15}", &["facebook"]));
    }
}
