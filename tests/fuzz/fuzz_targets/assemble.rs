//! `cargo fuzz run assemble`: see `tests::fuzz::assemble`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tests::fuzz::assemble(bytes));
