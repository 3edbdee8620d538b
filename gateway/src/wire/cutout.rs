//! A key that comes in pieces of a text: it is put together and cut out, and what may still become one waits.

use crate::secret::Secret;

/// Cuts a key out of a text that arrives in pieces.
#[derive(Clone, Debug, Default)]
pub(super) struct Cutout {
    secret: Option<Secret>,
    /// The end of the text so far, where it is a beginning of the key.
    waiting: String,
}

impl Cutout {
    pub(super) fn of(secret: Option<&Secret>) -> Self {
        Self { secret: secret.cloned(), waiting: String::new() }
    }

    /// Takes what was appended to `out` as the next piece, and leaves there what may leave.
    pub(super) fn pass(&mut self, before: usize, out: &mut String) {
        let Some(secret) = &self.secret else { return };
        let fresh = out.get(before..).unwrap_or_default();
        if self.waiting.is_empty() && !secret.stands_in(fresh) {
            let begun = secret.begun_in(fresh);
            self.waiting = out.split_off(out.len() - begun);
            return;
        }
        let whole = std::mem::take(&mut self.waiting) + fresh;
        out.truncate(before);
        out.push_str(&secret.scrub(whole));
        let begun = secret.begun_in(out.get(before..).unwrap_or_default());
        self.waiting = out.split_off(out.len() - begun);
    }

    /// The text is over: nothing more can become a key.
    pub(super) fn end(&mut self, out: &mut String) {
        out.push_str(&std::mem::take(&mut self.waiting));
    }

    /// A whole text without the key.
    pub(super) fn cut(&self, text: String) -> String {
        match &self.secret {
            Some(secret) => secret.scrub(text),
            None => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "fw_fw_key_4711";

    fn passed(pieces: &[&str]) -> Vec<String> {
        let mut cutout = Cutout::of(Secret::new(KEY).as_ref());
        let mut all: Vec<String> = Vec::new();
        for piece in pieces {
            let mut out = format!("| {piece}");
            cutout.pass(2, &mut out);
            all.push(out.split_off(2));
        }
        let mut rest = String::new();
        cutout.end(&mut rest);
        all.push(rest);
        all
    }

    #[test]
    fn a_key_is_cut_out_wherever_it_is_cut() {
        let text = format!("a fw_{KEY}{KEY} fw_fw_key");
        for first in 0..text.len() {
            for second in first..text.len() {
                let (start, rest) = text.split_at(first);
                let (middle, end) = rest.split_at(second - first);
                let pieces = [start, middle, end];
                assert_eq!(passed(&pieces).concat(), "a fw_****** fw_fw_key", "{pieces:?}");
            }
        }
        let letters: Vec<String> = text.chars().map(String::from).collect();
        let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
        assert_eq!(passed(&letters).concat(), "a fw_****** fw_fw_key");
    }

    #[test]
    fn only_what_may_become_a_key_waits() {
        assert_eq!(passed(&["a f", "ew", "x fw_", "fw_fw_key"]), ["a ", "few", "x ", "fw_", "fw_fw_key"]);
    }
}
