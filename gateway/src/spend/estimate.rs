//! Tokens that no provider has counted: counted with a vocabulary of ours, and so an estimate.

use bytes::Bytes;

use crate::wire::{Endpoint, json};

/// Most bytes of text that are counted; what is longer counts in proportion.
pub(crate) const MOST_COUNTED: usize = 256 * 1024;

/// Most bytes that are kept of what a stream says, for as long as its provider may yet tell its tokens: many streams are
/// under way at once. What is longer counts in proportion.
pub(crate) const MOST_HEARD: usize = 8 * 1024;

/// Most bytes of a request that are kept in case its tokens must be counted. A larger one counts by its size.
const MOST_KEPT: usize = 1024 * 1024;

/// Tokens that a chat takes for each message beside its text.
const PER_MESSAGE: u64 = 4;

/// Bytes of a token where nothing better is known.
const USUAL: u64 = 4;

/// A request, kept for as long as nobody has said how many tokens it is.
pub(crate) struct Prompt {
    endpoint: Endpoint,
    size: usize,
    kept: Option<Bytes>,
}

/// What people wrote does not show.
impl std::fmt::Debug for Prompt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prompt").field("size", &self.size).finish_non_exhaustive()
    }
}

impl Prompt {
    /// A request to that endpoint, as it came.
    pub(crate) fn new(endpoint: Endpoint, body: &Bytes) -> Self {
        Self { endpoint, size: body.len(), kept: (body.len() <= MOST_KEPT).then(|| body.clone()) }
    }

    /// How many bytes of it are kept.
    pub(crate) fn kept(&self) -> usize {
        self.kept.as_ref().map_or(0, Bytes::len)
    }

    /// How many tokens it is, more or less. This takes a while.
    pub(crate) fn tokens(&self) -> u64 {
        let by_size = || size(self.size).div_ceil(USUAL);
        self.kept.as_ref().and_then(|body| self.counted(body)).unwrap_or_else(by_size)
    }

    fn counted(&self, body: &[u8]) -> Option<u64> {
        let document = json::parse(body).ok()?;
        let request = self.endpoint.decode(&document, Vec::new()).ok()?;
        let all: usize = request.texts.iter().map(|text| text.value.len()).sum();
        let mut text = String::new();
        for part in &request.texts {
            keep(&mut text, part.value, MOST_COUNTED);
        }
        Some(tokens_of(&text, all).saturating_add(PER_MESSAGE.saturating_mul(size(request.messages.len()))))
    }
}

/// How many tokens a text of that many bytes is, of which this is the beginning. This takes a while, most of all the first
/// time.
pub(crate) fn tokens_of(beginning: &str, bytes: usize) -> u64 {
    if beginning.is_empty() {
        return size(bytes).div_ceil(USUAL);
    }
    let counted = size(bpe_openai::o200k_base().count(beginning));
    let (all, read) = (u128::from(size(bytes.max(beginning.len()))), u128::from(size(beginning.len())));
    u64::try_from((u128::from(counted) * all).div_ceil(read)).unwrap_or(u64::MAX)
}

/// Appends as much of a text as there is room for, whole characters only.
fn keep(text: &mut String, part: &str, most: usize) {
    let room = most.saturating_sub(text.len()).min(part.len());
    text.push_str(part.get(..part.floor_char_boundary(room)).unwrap_or_default());
}

fn size(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_counted_with_a_vocabulary_and_long_ones_in_proportion() {
        assert_eq!(tokens_of("Hello, world!", 13), 4);
        assert_eq!(tokens_of("Hello, world!", 1300), 400);
        assert_eq!((tokens_of("", 0), tokens_of("", 9)), (0, 3));
    }

    #[test]
    fn a_request_is_its_texts_and_a_few_tokens_for_each_message() {
        let body = Bytes::from_static(
            br#"{"model":"m","messages":[{"role":"system","content":"Hello, world!"},{"role":"user","content":"Hello, world!"}]}"#,
        );
        assert_eq!(Prompt::new(Endpoint::Chat, &body).tokens(), 16);
        let large = Bytes::from(vec![b' '; MOST_KEPT + 4]);
        assert_eq!(Prompt::new(Endpoint::Chat, &large).tokens(), 262_145);
    }

    #[test]
    fn a_text_that_no_vocabulary_likes_is_counted_all_the_same() {
        assert!(tokens_of(&"a".repeat(MOST_COUNTED), MOST_COUNTED * 4) > 1000);
    }
}
