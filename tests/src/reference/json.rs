//! JSON text, read whole and by descent: how its strings read, and what of it a redaction may replace.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// What stands where a redaction writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spot {
    /// Text that is no JSON.
    Plain,
    /// A part of a string.
    Inside,
    /// A whole number or word.
    Bare,
}

impl Spot {
    /// A marker of plain words as it is written there.
    pub fn written(self, words: &str) -> String {
        match self {
            Spot::Plain => words.to_owned(),
            Spot::Inside | Spot::Bare => {
                let quoted = serde_json::to_string(words).expect("a string is JSON");
                if self == Spot::Bare { quoted } else { quoted[1..quoted.len() - 1].to_owned() }
            }
        }
    }
}

/// A text, read.
#[derive(Debug, Default)]
pub struct JsonText {
    /// Each character as it reads, with the bytes that it is written in.
    pub shown: Vec<(char, Range<usize>)>,
    /// What may be replaced, in order.
    pub parts: Vec<(Range<usize>, Spot)>,
}

impl JsonText {
    /// Reads a text.
    pub fn of(text: &str) -> Self {
        let mut reading = Reading { text, at: 0, read: JsonText::default() };
        let broken = reading.values().err().unwrap_or(text.len());
        let mut read = reading.read;
        read.shown.retain(|(_, raw)| raw.start < broken);
        read.shown
            .extend(text[broken..].char_indices().map(|(i, c)| (c, broken + i..broken + i + c.len_utf8())));
        if broken < text.len() {
            read.parts.push((broken..text.len(), Spot::Plain));
        }
        read
    }

    /// What is replaced when these bytes are to be.
    pub fn cuts(&self, range: &Range<usize>) -> Vec<(Range<usize>, Spot)> {
        let touched = self.parts.iter().filter(|(part, _)| part.start < range.end && range.start < part.end);
        let cut = |(part, spot): &(Range<usize>, Spot)| match spot {
            Spot::Bare => (part.clone(), *spot),
            _ => (part.start.max(range.start)..part.end.min(range.end), *spot),
        };
        touched.map(cut).collect()
    }
}

static SCALAR: LazyLock<Regex> = LazyLock::new(|| {
    let source = r"^(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null)";
    Regex::new(source).expect("a valid expression")
});
static PAIR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
        .expect("a valid expression")
});
static UNIT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\\u([0-9a-fA-F]{4})").expect("a valid expression"));

/// A text in the course of being read. What cannot be read is an error at the place from which on the text is plain.
struct Reading<'t> {
    text: &'t str,
    at: usize,
    read: JsonText,
}

type Read = Result<(), usize>;

impl Reading<'_> {
    fn values(&mut self) -> Read {
        while self.blank().is_some() {
            self.value()?;
        }
        Ok(())
    }

    /// Passes over white space, and gives the character after it.
    fn blank(&mut self) -> Option<char> {
        loop {
            match self.text[self.at..].chars().next()? {
                c @ (' ' | '\t' | '\n' | '\r') => self.show(c, 1),
                c => return Some(c),
            }
        }
    }

    fn show(&mut self, c: char, length: usize) {
        self.read.shown.push((c, self.at..self.at + length));
        self.at += length;
    }

    /// The next sign, which must be one of these.
    fn sign(&mut self, of: &str) -> Result<char, usize> {
        let c = self.blank().filter(|c| of.contains(*c)).ok_or(self.at)?;
        self.show(c, 1);
        Ok(c)
    }

    fn value(&mut self) -> Read {
        match self.blank().ok_or(self.at)? {
            '"' => self.string(),
            '[' => self.list(']', |this| this.value()),
            '{' => self.list('}', |this| {
                if this.blank() != Some('"') {
                    return Err(this.at);
                }
                this.string()?;
                this.sign(":")?;
                this.value()
            }),
            _ => self.scalar(),
        }
    }

    fn list(&mut self, end: char, member: impl Fn(&mut Self) -> Read) -> Read {
        self.show(if end == ']' { '[' } else { '{' }, 1);
        if self.blank() == Some(end) {
            self.show(end, 1);
            return Ok(());
        }
        loop {
            member(self)?;
            if self.sign(&format!(",{end}"))? == end {
                return Ok(());
            }
        }
    }

    fn scalar(&mut self) -> Read {
        let found = SCALAR.find(&self.text[self.at..]).ok_or(self.at)?.as_str();
        let end = self.at + found.len();
        let next = self.text[end..].chars().next();
        if next.is_some_and(|c| !" \t\r\n,:[]{}\"".contains(c)) {
            return Err(self.at);
        }
        self.read.parts.push((self.at..end, Spot::Bare));
        found.chars().for_each(|c| self.show(c, 1));
        Ok(())
    }

    fn string(&mut self) -> Read {
        self.show('"', 1);
        let start = self.at;
        let end = self.characters();
        if start < self.at {
            self.read.parts.push((start..self.at, Spot::Inside));
        }
        end?;
        self.show('"', 1);
        Ok(())
    }

    /// The characters of a string, as far as it goes.
    fn characters(&mut self) -> Read {
        loop {
            let rest = &self.text[self.at..];
            let code = |found: &str| u16::from_str_radix(found, 16).expect("hexadecimal digits");
            match rest.chars().next().ok_or(self.at)? {
                '"' => return Ok(()),
                '\\' => {
                    if let Some(pair) = PAIR.captures(rest) {
                        let units = [code(&pair[1]), code(&pair[2])];
                        let c = char::decode_utf16(units).next().expect("a character").expect("a whole pair");
                        self.show(c, pair[0].len());
                    } else if let Some(unit) = UNIT.captures(rest) {
                        let c = char::from_u32(code(&unit[1]).into()).unwrap_or('\u{FFFD}');
                        self.show(c, unit[0].len());
                    } else {
                        let named = rest.get(..2).and_then(|escape| {
                            let written = format!("\"{escape}\"");
                            serde_json::from_str::<char>(&written).ok()
                        });
                        self.show(named.ok_or(self.at)?, 2);
                    }
                }
                c => self.show(c, c.len_utf8()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_reads_as_its_parser_reads_it() {
        let text = r#"{"a\n":[-1.5e3,"\ud83d\ude00\ud83d",true]}"#;
        let read = JsonText::of(text);
        let shown: String = read.shown.iter().map(|(c, _)| c).collect();
        assert_eq!(shown, "{\"a\n\":[-1.5e3,\"😀\u{FFFD}\",true]}");
        let parts: Vec<(&str, Spot)> =
            read.parts.iter().map(|(part, spot)| (&text[part.clone()], *spot)).collect();
        let inside = |text| (text, Spot::Inside);
        let bare = |text| (text, Spot::Bare);
        assert_eq!(parts, [inside(r"a\n"), bare("-1.5e3"), inside(r"\ud83d\ude00\ud83d"), bare("true")]);
    }

    #[test]
    fn the_rest_is_plain_from_where_it_is_broken() {
        for (text, rest) in
            [(r#"["a\q"]"#, r#"\q"]"#), ("[01]", "01]"), ("[1,]", "]"), (r#"["\u00"#, r"\u00"), ("[-", "-")]
        {
            let parts = JsonText::of(text).parts;
            assert_eq!(&text[parts.last().unwrap().0.clone()], rest);
            assert_eq!(parts.last().unwrap().1, Spot::Plain);
        }
    }
}
