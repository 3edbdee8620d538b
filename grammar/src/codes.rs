//! Every diagnostic code, once. A code that goes is never used again.

/// A stable code and what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code {
    /// Such as `E001`; `E` for errors, `W` for warnings.
    pub id: &'static str,
    /// A few words, the title of the code's place in the book.
    pub title: &'static str,
}

macro_rules! codes {
    ($($name:ident = $id:literal $title:literal;)*) => {
        $(#[doc = $title] pub const $name: Code = Code { id: $id, title: $title };)*
        /// All of them, in order.
        pub const ALL: &[Code] = &[$($name),*];
    };
}

codes! {
    SYNTAX = "E001" "this is not how a rule file is written";
    UNKNOWN_KEY = "E002" "a key or argument that does not exist";
    WRONG_TYPE = "E003" "a value of the wrong type";
    BAD_VALUE = "E004" "a value that is out of range or not one of the choices";
    MISSING = "E005" "something required is missing";
    DUPLICATE = "E006" "the same name or key twice";
    UNKNOWN_NAME = "E007" "a name that is not declared";
    UNKNOWN_FIELD = "E008" "a field that does not exist";
    TYPE_MISMATCH = "E009" "an expression of the wrong type";
    WRONG_PHASE = "E010" "a field that this phase does not have";
    BAD_REGEX = "E011" "a regular expression that cannot be compiled";
    PATTERN_TOO_LARGE = "E012" "a pattern whose automaton is too large";
    EMPTY_MATCH = "E013" "a pattern that matches empty text";
    UNKNOWN_POLICY = "E014" "a policy kind or rule file that cannot be found";
    BAD_USE = "E015" "a `use` that cannot be resolved";
    CANNOT_STREAM = "E016" "a rule that cannot be decided on a stream";
    BAD_SCRIPT = "E017" "a script that cannot be compiled";
    BAD_YAML = "E018" "this is not valid YAML";
    BAD_CONFIG = "E019" "settings that contradict each other";
    BAD_TEST = "E020" "a test that cannot be run";
    NOT_CONSTANT = "E021" "a value that must be known before traffic";
    OPTIONAL_UNHANDLED = "E022" "a value that may be absent and is not handled";
    LIMIT = "E023" "a limit that keeps compilation bounded";
    NOTHING_TO_REDACT = "E024" "a redaction that has nothing to replace";
    NOT_EXHAUSTIVE = "E025" "a `match` that leaves something out";
    UNREACHABLE = "E026" "an arm that is never reached";
    UNKNOWN_GROUP = "E027" "a `capture` of a group that the expression does not have";
    UNKNOWN_MODEL = "E028" "a model that does not exist";
    BAD_MODEL = "E029" "a model that cannot be read";

    UNUSED_BLOCK = "W001" "settings of a policy that is not in the chain";
    PACK_DISABLED = "W002" "the policy chain is switched off";
    NO_TESTS = "W004" "a rule file without tests";
    UNUSED_NAME = "W005" "a name that nothing uses";
    SUBSUMED = "W006" "a pattern whose finds another pattern finds already";
    NEVER_HOLDS = "W007" "a rule that can never hold";
    CONTRADICTION = "W008" "parts of a condition that cannot hold together";
    ALWAYS_HOLDS = "W009" "a condition that always holds";
    SHADOWED = "W010" "a rule that never decides";
    LONG_HOLDBACK = "W011" "a pattern that can hold back much of an answer";
    IDLE_REDACTION = "W012" "a redaction that never applies";
    SUSPICIOUS_REGEX = "W013" "an expression that likely means something else";
    SLOW_PATTERN = "W014" "a pattern that every request is searched for from end to end";
    UNTESTED_RULE = "W015" "a rule that no test expects";
    UNKNOWN_LABEL = "W016" "a label that no key has";
}
