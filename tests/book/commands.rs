//! Every `kt …` that the book shows is one that the command line takes.

use super::{blocks, pages};

/// The commands of a line, as a shell would split them; without quotes, redirections and comments.
fn commands(line: &str) -> Vec<Vec<String>> {
    let (mut all, mut words, mut word) = (Vec::new(), Vec::new(), None::<String>);
    let mut rest = line.chars().peekable();
    let mut quote = None;
    while let Some(c) = rest.next() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, '\\') => word.get_or_insert_default().extend(rest.next()),
            (None, '|' | '&' | ';' | '<' | '>') => {
                words.extend(word.take());
                if matches!(c, '<' | '>') {
                    rest.next_if_eq(&' ');
                    while rest.next_if(|c| *c != ' ').is_some() {}
                } else {
                    all.push(std::mem::take(&mut words));
                }
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    all.push(words);
    all
}

/// What is typed in a block: all of a script, and of a session what follows a prompt.
fn typed(words: &[&str], text: &str) -> Vec<String> {
    let text = text.replace("\\\n", " ");
    let lines = text.lines().map(str::trim);
    match words {
        ["sh"] => lines.map(str::to_owned).collect(),
        ["text", ..] => lines.filter_map(|line| line.strip_prefix("$ ")).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn every_command_of_the_book_is_understood() {
    let mut count = 0;
    for page in pages() {
        for block in blocks(&page) {
            for line in typed(&block.words, &block.text) {
                for command in commands(&line) {
                    if !command.first().is_some_and(|name| name == "kt" || name.ends_with("/kt")) {
                        continue;
                    }
                    let parsed = gateway::cli::grammar().try_get_matches_from(&command);
                    assert!(parsed.is_ok(), "{}: {line}\n{}", block.place, parsed.unwrap_err());
                    count += 1;
                }
            }
        }
    }
    assert!(count > 45, "only {count} commands were found");
}

#[test]
fn a_command_that_does_not_exist_is_noticed() {
    let found = commands("echo '{\"a\": 1}' | kt policy eval --no-such \"x y\" > out # kt");
    assert_eq!(found, [vec!["echo", "{\"a\": 1}"], vec!["kt", "policy", "eval", "--no-such", "x y"]]);
    assert!(gateway::cli::grammar().try_get_matches_from(&found[1]).is_err());
}
