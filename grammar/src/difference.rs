//! An expected text beside the one that came: where they differ, with signs that nobody could see written out.

mod parts;

use unicode_width::UnicodeWidthStr;

use parts::{Part, parts};

/// How many characters of what is alike are shown on either side of a difference.
const AROUND: usize = 24;

/// How much of a long difference is shown, in characters: of its beginning and of its end.
const SHOWN: (usize, usize) = (56, 20);

/// How many places with differences are shown.
const PLACES: usize = 5;

/// A text that was expected, and the one that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What was expected.
    pub expected: String,
    /// What came.
    pub got: String,
}

impl Difference {
    /// Both texts as a rule file would write them, one below the other, shortened around what differs. What differs is
    /// coloured, or else underlined.
    pub fn draw(&self, colours: bool) -> String {
        let places = places(&parts(&self.expected, &self.got));
        let mut out = String::new();
        for place in places.iter().take(PLACES) {
            place.line("expected", "1;4;32", colours, Part::expected, &mut out);
            place.line("got     ", "1;4;31", colours, Part::got, &mut out);
        }
        if let Some(more) = places.len().checked_sub(PLACES).filter(|more| *more > 0) {
            out.push_str(&format!("  and {more} more\n"));
        }
        out
    }
}

/// What stands around one difference, or some that are close to each other.
#[derive(Debug, Default)]
struct Place {
    parts: Vec<Part>,
    /// Whether something that is alike was left out before and after.
    cut: (bool, bool),
}

impl Place {
    fn line(&self, title: &str, style: &str, colours: bool, side: fn(&Part) -> &str, out: &mut String) {
        let mut line = format!("  {title}  {}\"", if self.cut.0 { "… " } else { "" });
        let mut below = String::new();
        for part in &self.parts {
            let text = written(side(part), part.is_changed());
            if !part.is_changed() || text.is_empty() {
                line.push_str(&text);
            } else if colours {
                line.push_str(&format!("\u{1b}[{style}m{text}\u{1b}[0m"));
            } else {
                below.extend(std::iter::repeat_n(' ', line.width() - below.len()));
                below.extend(std::iter::repeat_n('^', text.width()));
                line.push_str(&text);
            }
        }
        out.push_str(&format!("{line}\"{}\n", if self.cut.1 { " …" } else { "" }));
        if !below.is_empty() {
            out.push_str(&format!("{below}\n"));
        }
    }
}

/// Cuts what is alike where more of it stands than is shown.
fn places(parts: &[Part]) -> Vec<Place> {
    let mut done = Vec::new();
    let mut place = Place::default();
    for (at, part) in parts.iter().enumerate() {
        let (first, last) = (at == 0, at + 1 == parts.len());
        let Part::Same(text) = part else {
            place.parts.push(part.clone());
            continue;
        };
        let room = if first || last { AROUND } else { AROUND * 2 };
        if text.chars().count() <= room {
            place.parts.push(part.clone());
            continue;
        }
        if !first {
            place.parts.push(Part::Same(beginning(text, AROUND).to_owned()));
            place.cut.1 = true;
            done.push(std::mem::take(&mut place));
        }
        if !last {
            place.parts.push(Part::Same(end(text, AROUND).to_owned()));
            place.cut.0 = true;
        }
    }
    if !place.parts.is_empty() {
        done.push(place);
    }
    done
}

/// A text as a rule file would write it between quotes. Signs that cannot be seen are numbers; signs that join the one before
/// them are too in what differs.
fn written(text: &str, differs: bool) -> String {
    let (most, tail) = SHOWN;
    if differs && text.chars().count() > most + tail {
        return format!("{} … {}", written(beginning(text, most), true), written(end(text, tail), true));
    }
    text.chars().map(|c| sign(c, differs)).collect()
}

fn sign(c: char, differs: bool) -> String {
    let escaped = match c {
        '\'' => "'".to_owned(),
        '"' => "\\\"".to_owned(),
        // After a letter, what joins with it is not escaped.
        _ if !differs => format!("{:?}", format!("a{c}")).trim_matches('"').chars().skip(1).collect(),
        _ => c.escape_debug().to_string(),
    };
    match escaped.strip_prefix("\\u") {
        Some(number) => format!("\\u{}", number.to_uppercase()),
        None => escaped,
    }
}

fn beginning(text: &str, characters: usize) -> &str {
    let end = text.char_indices().nth(characters).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or_default()
}

fn end(text: &str, characters: usize) -> &str {
    let start = text.char_indices().rev().nth(characters.saturating_sub(1)).map_or(0, |(at, _)| at);
    text.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests;
