//! Views: a text as patterns see it, with a map back to the text as it arrived.

use std::ops::Range;

use unicode_normalization::char::{decompose_compatible, is_combining_mark};

use super::json::Lexer;

/// How patterns see a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum View {
    /// Invisible characters dropped; compatibility forms, accents and look-alikes mapped to plain letters.
    #[default]
    Folded,
    /// As `Folded`, but look-alike letters of other scripts stay as they are.
    Normalized,
    /// As it arrived.
    Raw,
    /// The folded text of what base64, hex and percent runs decode to. Whole texts only.
    Decoded,
    /// Read as JSON text, see [`super::json`], and then folded.
    Json,
}

impl View {
    /// All of them.
    pub const ALL: [View; 5] = [View::Folded, View::Normalized, View::Raw, View::Decoded, View::Json];

    /// Its place among all.
    pub fn index(self) -> usize {
        match self {
            View::Folded => 0,
            View::Normalized => 1,
            View::Raw => 2,
            View::Decoded => 3,
            View::Json => 4,
        }
    }

    /// As written in rules.
    pub fn name(self) -> &'static str {
        match self {
            View::Folded => "folded",
            View::Normalized => "normalized",
            View::Raw => "raw",
            View::Decoded => "decoded",
            View::Json => "json",
        }
    }

    /// The view whose map of characters it has: what was decoded is seen as folded text.
    pub fn folding(self) -> View {
        match self {
            View::Folded | View::Decoded | View::Json => View::Folded,
            View::Normalized => View::Normalized,
            View::Raw => View::Raw,
        }
    }

    /// Hands each character that `c` becomes to `emit`: none, itself, or several. Says whether it stays what it is.
    pub fn map(self, c: char, mut emit: impl FnMut(char)) -> bool {
        if self == View::Raw || c.is_ascii() {
            emit(c);
            return true;
        }
        if let Some(plain) = tag_letter(c) {
            emit(plain);
            return false;
        }
        if is_invisible(c) {
            return false;
        }
        let confusables = self != View::Normalized;
        let mut stays = false;
        decompose_compatible(c, |part| {
            if !is_combining_mark(part) {
                let shown = if confusables { look_alike(part) } else { part };
                stays = shown == c;
                emit(shown);
            }
        });
        stays
    }

    /// The whole text in this view; pattern literals go through the same map as the texts they are sought in.
    pub fn apply(self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            _ = self.map(c, |mapped| out.push(mapped));
        }
        out
    }
}

/// Where a view departs from its text: one character that became something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seam {
    view_start: usize,
    view_end: usize,
    raw_start: usize,
    raw_end: usize,
}

/// Takes positions of a view back to positions of the text. Between seams both run in step.
#[derive(Clone, Debug, Default)]
pub struct PositionMap {
    seams: Vec<Seam>,
}

impl PositionMap {
    /// Notes that raw bytes `raw` became view bytes `view`; in order of arrival.
    pub fn push(&mut self, view: Range<usize>, raw: Range<usize>) {
        // A run of dropped characters is one seam.
        if let Some(last) = self.seams.last_mut()
            && view.is_empty()
            && last.view_start == last.view_end
            && last.view_end == view.start
            && last.raw_end == raw.start
        {
            last.raw_end = raw.end;
            return;
        }
        self.seams.push(Seam {
            view_start: view.start,
            view_end: view.end,
            raw_start: raw.start,
            raw_end: raw.end,
        });
    }

    /// Where in the text a match begins that begins at `view`.
    pub fn start(&self, view: usize) -> usize {
        let upto = self.seams.partition_point(|seam| seam.view_start <= view);
        match upto.checked_sub(1).and_then(|i| self.seams.get(i)) {
            Some(seam) if view < seam.view_end => seam.raw_start,
            Some(seam) => seam.raw_end + (view - seam.view_end),
            None => view,
        }
    }

    /// Where in the text a match ends that ends before `view`.
    pub fn end(&self, view: usize) -> usize {
        let upto = self.seams.partition_point(|seam| seam.view_start < view);
        match upto.checked_sub(1).and_then(|i| self.seams.get(i)) {
            Some(seam) if view <= seam.view_end => seam.raw_end,
            Some(seam) => seam.raw_end + (view - seam.view_end),
            None => view,
        }
    }

    /// Forgets what lies before `view`, keeping the last seam as the anchor of what follows.
    pub fn forget(&mut self, view: usize) {
        let gone = self.seams.partition_point(|seam| seam.view_end < view).saturating_sub(1);
        self.seams.drain(..gone);
    }
}

/// A whole text in a view.
#[derive(Debug)]
pub struct Viewed {
    /// The view's text; `None` when it is the text itself.
    pub text: Option<String>,
    /// The way back.
    pub map: PositionMap,
}

/// The whole text in a view that runs in step with it. A text that `is_json` is seen decoded in every view.
pub fn view(view: View, raw: &str, is_json: bool) -> Viewed {
    let mut map = PositionMap::default();
    let reads_json = (is_json || view == View::Json) && raw.contains('\\');
    if !reads_json && (view == View::Raw || raw.is_ascii()) {
        return Viewed { text: None, map };
    }
    let mut text = String::with_capacity(raw.len());
    let mut show = |c: char, from: Range<usize>| {
        let at = text.len();
        let stays = view.map(c, |mapped| text.push(mapped));
        if !stays || from.len() != c.len_utf8() {
            map.push(at..text.len(), from);
        }
    };
    if reads_json {
        let mut lexer = Lexer::default();
        raw.chars().for_each(|c| lexer.push(c, &mut show));
        lexer.finish(&mut show);
    } else {
        raw.char_indices().for_each(|(at, c)| show(c, at..at + c.len_utf8()));
    }
    Viewed { text: Some(text), map }
}

/// The ASCII character that a tag character (U+E0020 to U+E007E) stands for.
fn tag_letter(c: char) -> Option<char> {
    let code = u32::from(c);
    if (0xE0020..=0xE007E).contains(&code) { char::from_u32(code - 0xE0000) } else { None }
}

/// Characters without a shape of their own: Unicode's `Default_Ignorable_Code_Point` and the bidirectional controls.
fn is_invisible(c: char) -> bool {
    matches!(u32::from(c),
        0xAD | 0x34F | 0x61C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F
        | 0x202A..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFF8
        | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF)
}

/// The Latin letter that a Cyrillic or Greek letter is taken for. Upper and lower case map alike, so that folding
/// and case-insensitive matching commute. After Unicode's `confusables.txt` (UTS #39), reduced to these scripts.
fn look_alike(c: char) -> char {
    match c {
        'а' | 'α' => 'a',
        'А' | 'Α' => 'A',
        'в' | 'β' => 'b',
        'В' | 'Β' => 'B',
        'с' | 'ϲ' => 'c',
        'С' | 'Ϲ' => 'C',
        'ԁ' => 'd',
        'Ԁ' => 'D',
        'е' | 'ε' => 'e',
        'Е' | 'Ε' => 'E',
        'һ' | 'н' | 'η' => 'h',
        'Һ' | 'Н' | 'Η' => 'H',
        'і' | 'ι' | 'ı' => 'i',
        'І' | 'Ι' => 'I',
        'ј' => 'j',
        'Ј' => 'J',
        'к' | 'κ' => 'k',
        'К' | 'Κ' => 'K',
        'ӏ' => 'l',
        'м' | 'μ' => 'm',
        'М' | 'Μ' => 'M',
        'ν' => 'n',
        'Ν' => 'N',
        'о' | 'ο' => 'o',
        'О' | 'Ο' => 'O',
        'р' | 'ρ' => 'p',
        'Р' | 'Ρ' => 'P',
        'ԛ' => 'q',
        'Ԛ' => 'Q',
        'ѕ' => 's',
        'Ѕ' => 'S',
        'т' | 'τ' => 't',
        'Т' | 'Τ' => 'T',
        'ԝ' => 'w',
        'Ԝ' => 'W',
        'х' | 'χ' => 'x',
        'Х' | 'Χ' => 'X',
        'у' | 'υ' => 'y',
        'У' | 'Υ' => 'Y',
        'ζ' => 'z',
        'Ζ' => 'Z',
        '\u{2044}' | '\u{2215}' => '/',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '\u{2018}' | '\u{2019}' => '\'',
        '\u{201C}' | '\u{201D}' => '"',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> String {
        View::Folded.apply(text)
    }

    #[test]
    fn disguises_fall_off() {
        assert_eq!(folded("ig\u{200B}nore"), "ignore");
        assert_eq!(folded("ｉｇｎｏｒｅ"), "ignore");
        assert_eq!(folded("ignоrе"), "ignore");
        assert_eq!(folded("𝓲𝓰𝓷𝓸𝓻𝓮"), "ignore");
        assert_eq!(folded("\u{E0069}\u{E0067}"), "ig");
        assert_eq!(folded("café ﬁne"), "cafe fine");
    }

    #[test]
    fn matches_map_back_to_the_text_as_it_arrived() {
        let raw = "x\u{200B}éﬁ y";
        let viewed = view(View::Folded, raw, false);
        assert_eq!(viewed.text.as_deref(), Some("xefi y"));
        let back = |start, end| raw.get(viewed.map.start(start)..viewed.map.end(end));
        assert_eq!(back(0, 1), Some("x"));
        assert_eq!(back(0, 2), Some("x\u{200B}é"));
        assert_eq!(back(1, 2), Some("é"));
        assert_eq!(back(2, 3), Some("ﬁ"));
        assert_eq!(back(3, 6), Some("ﬁ y"));
        assert_eq!(back(4, 6), Some(" y"));
    }
}
