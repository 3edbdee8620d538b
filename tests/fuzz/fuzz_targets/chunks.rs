//! `cargo fuzz run chunks`: see `tests::fuzz::chunks`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tests::fuzz::chunks(bytes));
