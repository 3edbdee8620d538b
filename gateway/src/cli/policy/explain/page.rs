//! The page of an error code, where there is no book at hand.

/// The pages of all codes, as the book has them.
const PAGES: &str = include_str!("../../../../../book/src/errors.md");

/// The section of a code: from its heading to the next.
pub(super) fn page(code: &str) -> Option<String> {
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
    use grammar::codes;

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
