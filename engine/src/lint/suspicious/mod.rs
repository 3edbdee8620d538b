//! Regular expressions that likely mean something else than what their author wanted.

mod alternatives;
mod boundary;
mod class;
mod domain;

use std::ops::Range;

use grammar::ast::File;
use grammar::{Diagnostic, codes};
use regex_syntax::ast::Ast;

use super::expressions::{self, Written};
use super::tree;

/// Something in an expression that is likely not meant.
pub(super) struct Doubt {
    /// Bytes of the expression's source.
    pub(super) range: Range<usize>,
    pub(super) message: String,
    pub(super) help: String,
}

/// The suspicious expressions of a file.
pub(super) fn find(file: &File) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    expressions::each(file, &mut |written: Written<'_>| {
        let Some(tree) = written.tree() else { return };
        found.extend(doubts(&tree, &written.regex.source, written.is_taken).into_iter().map(|doubt| {
            let place = written.part(&doubt.range);
            Diagnostic::warning(codes::SUSPICIOUS_REGEX, place, doubt.message).help(doubt.help)
        }));
    });
    found
}

/// What is likely not meant in an expression, in its order. Where only matters whether it finds something, it is all the
/// same which alternative does.
pub(super) fn doubts(tree: &Ast, source: &str, is_taken: bool) -> Vec<Doubt> {
    let mut found = Vec::new();
    tree::each(tree, &mut |ast| match ast {
        Ast::ClassBracketed(class) => found.extend(class::doubt(class, source)),
        Ast::Concat(concat) => found.extend(domain::doubt(&concat.asts)),
        _ => {}
    });
    boundary::look(tree, source, &mut found);
    if is_taken {
        alternatives::look(tree, source, &mut found);
    }
    found.sort_by_key(|doubt| doubt.range.start);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(source: &str) -> Vec<String> {
        let tree = regex_syntax::ast::parse::Parser::new().parse(source).unwrap();
        doubts(&tree, source, true)
            .into_iter()
            .map(|doubt| source.get(doubt.range).unwrap().to_owned())
            .collect()
    }

    #[test]
    fn classes_that_read_like_words() {
        assert_eq!(told(".*@[^ourcompany.com$]"), ["[^ourcompany.com$]"]);
        assert_eq!(told("a [cat|dog] b"), ["[cat|dog]"]);
        assert_eq!(told("[a|b]x"), ["[a|b]"]);
        assert_eq!(told("[^end$]"), ["[^end$]"]);
        assert_eq!(told("[A-z]+"), ["A-z"]);
        for fine in [
            "[aeiou]",
            "[i1!|][l1|]",
            "[A-Za-z0-9._%+-]",
            r"[\w.|-]",
            "[^abc]",
            "[a-z$]",
            "[|ab]",
            "[sS][eE]",
        ] {
            assert_eq!(told(fine), Vec::<String>::new(), "{fine}");
        }
    }

    #[test]
    fn dots_in_names_of_domains() {
        assert_eq!(told(r"@example.com\b"), ["."]);
        assert_eq!(told(r"https?://(?:www\.)?my-site.org/x"), ["."]);
        for fine in [r"example\.com", "a.b", "foo.bar", "x.committee", "[a.]com", "ab.com-x"] {
            assert_eq!(told(fine), Vec::<String>::new(), "{fine}");
        }
    }

    #[test]
    fn boundaries_that_are_none() {
        assert_eq!(told(r"a\bc"), [r"\b"]);
        assert_eq!(told(r" \b@\w+"), [r"\b"]);
        assert_eq!(told(r"\b\$\d+"), [r"\b"]);
        assert_eq!(told(r"c\+\+\b"), [r"\b"]);
        assert_eq!(told(r"^\b#"), [r"\b"]);
        assert_eq!(told(r"x\B-"), [r"\B"]);
        for fine in
            [r"\bcat\b", r"\b(?:a|@)b", r"\b\W?x", r"(?:id|#)\b", r"a\b-", r"\b[@a]x", r"-\bx", r"\B@x"]
        {
            assert_eq!(told(fine), Vec::<String>::new(), "{fine}");
        }
    }

    #[test]
    fn alternatives_that_never_win() {
        assert_eq!(told("x(?:a|ab)"), ["ab"]);
        assert_eq!(told("key|token|keyring"), ["keyring"]);
        assert_eq!(told(r"a\d+|b|a\d+x"), [r"a\d+x"]);
        assert_eq!(told("a|b|a"), ["a"]);
        for fine in [r"(?:a|ab)\b", "(?:a|ab)c", "ab|a", "(?:a|ab)+x", "(?:a|ab)?", "ba|ab", "(?i:a)|(?i:b)"]
        {
            assert_eq!(told(fine), Vec::<String>::new(), "{fine}");
        }
    }
}
