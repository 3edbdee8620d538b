//! Small linear models: how much a text looks like what a model was trained to see, from 0 to 1.
//!
//! A model is a table of weights for hashed n-grams, and a list of words for which their sum is worked out in advance. A text
//! is cut into windows, each window is weighed, and the strongest speaks for the text. All arithmetic is on integers, so a text
//! has one score on every machine. The script that makes the tables is in `train/`, and holds itself to these functions by a
//! file of texts and scores.

mod calibration;
mod explain;
mod grams;
mod tokens;
mod window;
mod words;

use std::fmt;
use std::hash::{Hash, Hasher};

use sha2::{Digest as _, Sha256};

pub use calibration::Calibration;
pub use explain::Gram;
pub use window::{Scratch, Shape};
use words::Words;

/// How a model file begins.
const MAGIC: &[u8; 8] = b"ktmodel2";

/// The bytes before the weights: magic, shape, bias, scale, calibration. Behind the weights is the list of words.
const HEADER: usize = 8 + 5 + 8 + 8 + 2 * calibration::KNOTS;

/// A model, ready to weigh texts.
pub struct Model {
    name: String,
    digest: String,
    shape: Shape,
    /// What a window without any evidence comes to, in parts of [`ONE`].
    bias: i64,
    /// What a weight of one in a window of one n-gram adds, in parts of [`ONE`], times 256.
    scale: i64,
    calibration: Calibration,
    weights: Box<[i8]>,
    words: Words,
}

/// One, in the fixed-point numbers of logits.
pub(crate) const ONE: i64 = 1 << 16;

impl Model {
    /// Reads a model. What is wrong with it is told in a sentence.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self, String> {
        let mut rest = bytes;
        if take::<8>(&mut rest)? != *MAGIC {
            return Err("it does not begin as a model does".into());
        }
        let [bits, span] = take(&mut rest)?;
        let block = u16::from_le_bytes(take(&mut rest)?);
        let [shortest] = take(&mut rest)?;
        let shape = Shape::new(bits, span, block, shortest)?;
        let bias = i64::from_le_bytes(take(&mut rest)?);
        let scale = i64::from_le_bytes(take(&mut rest)?);
        if !(0..=1 << 32).contains(&scale) || !(-(1 << 32)..=1 << 32).contains(&bias) {
            return Err("its numbers are out of range".into());
        }
        let calibration = Calibration::read(&mut rest)?;
        let (table, list) = rest.split_at_checked(1 << bits).ok_or_else(|| {
            format!("it is {} bytes long and should be {} at least", bytes.len(), HEADER + (1 << bits))
        })?;
        let list = std::str::from_utf8(list).map_err(|_| "its list of words is no text")?;
        let digest = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let weights: Box<[i8]> = table.iter().map(|byte| byte.cast_signed()).collect();
        let words = Words::new(list, &shape, &weights);
        Ok(Self { name: name.to_owned(), digest, shape, bias, scale, calibration, weights, words })
    }

    /// Its name, as rules call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Hex SHA-256 of its file.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// How much the text looks like it, from 0 to 1; 0 for a text without words.
    pub fn score(&self, text: &str) -> f64 {
        self.score_in(text, &mut Scratch::default())
    }

    /// As [`Model::score`], in memory that serves one text after the other.
    pub fn score_in(&self, text: &str, scratch: &mut Scratch) -> f64 {
        let mut strongest: Option<i64> = None;
        window::weigh_all(&self.shape, (&self.weights, &self.words), scratch, text, |sum, grams| {
            strongest = strongest.max(Some(self.logit(sum, grams)));
        });
        strongest.map_or(0.0, |logit| self.calibration.probability(logit))
    }

    /// What a window comes to: its sum, over the root of the number of its n-grams.
    fn logit(&self, sum: i64, grams: u32) -> i64 {
        let root = (u64::from(grams) << 16).isqrt().max(1).cast_signed();
        self.bias + (sum * self.scale).div_euclid(root)
    }
}

/// The next bytes of a file.
fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], String> {
    let (taken, left) = rest.split_first_chunk::<N>().ok_or("it ends too early")?;
    *rest = left;
    Ok(*taken)
}

/// Two models are the same when their files are.
impl PartialEq for Model {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest && self.name == other.name
    }
}

impl Eq for Model {}

impl Hash for Model {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
        self.name.hash(state);
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "model {:?} {}", self.name, self.digest)
    }
}

#[cfg(test)]
mod tests;
