//! Numbers, `true`, `false` and `null`, character by character.

/// How far a number or a word is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
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

impl Scalar {
    /// The scalar that a character begins.
    pub(super) fn beginning(c: char) -> Option<Self> {
        Some(match c {
            '-' => Scalar::Minus,
            '0' => Scalar::Zero,
            '1'..='9' => Scalar::Integer,
            't' => Scalar::Word("rue"),
            'f' => Scalar::Word("alse"),
            'n' => Scalar::Word("ull"),
            _ => return None,
        })
    }

    /// The scalar with one more character.
    pub(super) fn next(self, c: char) -> Option<Self> {
        use Scalar as S;
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
            Scalar::Zero | Scalar::Integer | Scalar::Fraction | Scalar::Exponent | Scalar::Word("") => true,
            Scalar::Minus | Scalar::Point | Scalar::Power | Scalar::Sign | Scalar::Word(_) => false,
        }
    }
}

/// Whether a character ends the scalar before it: white space, or one that begins another token.
pub(super) fn ends(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | ',' | ':' | ']' | '}' | '[' | '{' | '"')
}
