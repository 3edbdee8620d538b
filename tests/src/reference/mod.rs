//! A second reading of the rule language: naive, slow and plain, to hold the engine against.
//!
//! It walks the tree of a file as it was parsed, over whole texts, with one ordinary regular expression per pattern and
//! nothing shared, compiled ahead or skipped. It knows the language of the generated policies, not all of it: what it
//! does not know it refuses loudly.

mod evaluate;
mod evidence;
mod exchange;
mod generate;
pub mod json;
mod text;
mod trial;
mod value;
mod world;

pub use evaluate::Val;
pub use exchange::{Outcome, judge};
pub use generate::{Case, Dice};
pub use trial::Trial;
pub use world::{Said, World};
