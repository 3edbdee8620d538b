//! What tells a value that a machine drew from words and samples.

/// Words that stand where a secret would, in examples and templates.
const PLACEHOLDERS: [&str; 14] = [
    "example",
    "sample",
    "placeholder",
    "changeme",
    "change_me",
    "change-me",
    "your",
    "dummy",
    "redacted",
    "xxxx",
    "....",
    "<",
    "${",
    "0123456789",
];

/// Bits of Shannon entropy for each character, from which on a text counts as random; English words have less.
const RANDOM: f64 = 3.0;

pub(super) fn random(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    entropy(text) >= RANDOM && !PLACEHOLDERS.iter().any(|word| lower.contains(word))
}

/// Shannon entropy in bits a byte: C. E. Shannon, A Mathematical Theory of Communication, 1948.
pub(super) fn entropy(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "matches are short")]
    let length = text.len() as f64;
    let parts = counts.into_iter().filter(|count| *count > 0).map(|count| f64::from(count) / length);
    parts.map(|part| -part * part.log2()).sum()
}
