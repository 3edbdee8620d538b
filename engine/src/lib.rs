//! Trees to verdicts: the compiler, the program, and the session that runs it.

mod bits;
pub mod case;
pub mod claim;
pub mod compare;
pub mod compile;
pub mod coverage;
pub mod explain;
pub mod holdback;
pub mod input;
pub mod lint;
pub mod matcher;
pub mod model;
pub mod program;
pub mod run;
pub mod schema;
pub mod script;
pub mod value;
pub mod verdict;

pub use claim::Claim;
pub use compile::{Compiled, FUNCTIONS, Library, Options, Unit, compile, compile_with};
pub use program::{OnError, Program};
pub use run::Session;
pub use value::Value;
