//! Numbers, `true`, `false` and `null`, character by character.

/// How far a number or a word is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Minus,
    /// A leading zero, which no digit may follow.
    Zero,
    Integer,
    Point,
    Fraction,
    /// After `e`.
    Power,
    /// After the sign of an exponent.
    Sign,
    Exponent,
    /// A word, and what is left of it.
    Word(&'static str),
}

impl Progress {
    /// The scalar that a character begins.
    pub(super) fn beginning(c: char) -> Option<Self> {
        Some(match c {
            '-' => Progress::Minus,
            '0' => Progress::Zero,
            '1'..='9' => Progress::Integer,
            't' => Progress::Word("rue"),
            'f' => Progress::Word("alse"),
            'n' => Progress::Word("ull"),
            _ => return None,
        })
    }

    /// The scalar with one more character.
    pub(super) fn next(self, c: char) -> Option<Self> {
        use Progress as S;
        Some(match (self, c) {
            (S::Minus, '0') => S::Zero,
            (S::Minus, '1'..='9') | (S::Integer, '0'..='9') => S::Integer,
            (S::Zero | S::Integer, '.') => S::Point,
            (S::Point | S::Fraction, '0'..='9') => S::Fraction,
            (S::Zero | S::Integer | S::Fraction, 'e' | 'E') => S::Power,
            (S::Power, '+' | '-') => S::Sign,
            (S::Power | S::Sign | S::Exponent, '0'..='9') => S::Exponent,
            (S::Word(rest), c) => S::Word(rest.strip_prefix(c)?),
            _ => return None,
        })
    }

    /// Whether it may end here.
    pub(super) fn is_whole(self) -> bool {
        match self {
            Progress::Zero
            | Progress::Integer
            | Progress::Fraction
            | Progress::Exponent
            | Progress::Word("") => true,
            Progress::Minus | Progress::Point | Progress::Power | Progress::Sign | Progress::Word(_) => false,
        }
    }
}

/// Whether a character ends the scalar before it: white space, or one that begins another token.
pub(super) fn ends(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | ',' | ':' | ']' | '}' | '[' | '{' | '"')
}
