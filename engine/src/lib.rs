//! Trees to verdicts: the compiler, the program, and the session that runs it.

pub mod input;
pub mod verdict;
