//! `kt policy explain`: the page of an error code, where there is no book at hand.

use clap::Args;
use grammar::codes;
use grammar::diagnostic::did_you_mean;

use crate::cli::{Exit, Terminal};

/// The pages of all codes, as the book has them.
const PAGES: &str = include_str!("../../../../book/src/errors.md");

/// Show the page of an error code.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kt policy explain E016
  kt policy explain w006

Exit codes: 0 shown, 2 there is no such code.")]
pub(in crate::cli) struct Explain {
    /// The code, as in `error[E016]`
    #[arg(value_name = "CODE")]
    code: String,
}

impl Explain {
    pub(super) fn run(self, terminal: &mut Terminal) -> Exit {
        let wanted = self.code.trim().to_uppercase();
        let Some(page) = page(&wanted) else {
            let known = codes::ALL.iter().map(|code| code.id);
            let help = did_you_mean(&wanted, known)
                .unwrap_or_else(|| "a code is a letter and three digits, as in E016".into());
            return terminal.fail(format!("there is no code `{wanted}`; {help}"));
        };
        terminal.line(page.trim_end());
        Exit::Well
    }
}

/// The section of a code: from its heading to the next.
fn page(code: &str) -> Option<String> {
    let from = PAGES.find(&format!("\n## {code} "))? + 1;
    let rest = PAGES.get(from..)?;
    let end = rest.get(3..)?.find("\n## ").map_or(rest.len(), |at| at + 3);
    // What a fence says after its first word is for the book's own tests.
    let lines = rest.get(..end)?.lines().map(|line| match line.strip_prefix("```") {
        Some(words) => format!("```{}", words.split(',').next().unwrap_or_default()),
        None => line.to_owned(),
    });
    Some(lines.collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_page_of_its_own() {
        for code in codes::ALL {
            let page = page(code.id).unwrap_or_else(|| panic!("{} has no page", code.id));
            assert!(
                page.starts_with(&format!("## {}", code.id)) && page.matches("\n## ").count() == 0,
                "{page}"
            );
            assert!(page.lines().count() > 3 && !page.contains("error="), "{page}");
        }
        assert_eq!(page("E999"), None);
    }
}
