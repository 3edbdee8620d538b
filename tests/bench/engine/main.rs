//! What the engine costs: compiling, judging a request, and each piece of an answer; on harmless texts and on those that are
//! made to cost the most.
//!
//! `cargo bench --workspace --bench engine`, and `-- request/default` or another part of a name for some of it.

mod hostile;
mod programs;
mod texts;
mod work;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{
    BatchSize, BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use engine::{Program, Session};

/// Bytes of a piece of an answer: about one token.
const PIECE: usize = 5;
/// Bytes of an answer, and of a prompt where only one length is measured.
const LENGTH: usize = 4 << 10;
/// How many rules programs have.
const COUNTS: [usize; 4] = [1, 10, 100, 500];

/// The programs, by name.
fn all_programs() -> Vec<(String, Arc<Program>)> {
    let counted = |count: &usize| (format!("{count} rules"), programs::program(&programs::rules(*count)));
    let mut all = vec![("default".to_owned(), programs::default_chain())];
    all.extend(COUNTS.iter().map(counted));
    all
}

fn quick(group: &mut BenchmarkGroup<'_, WallTime>) {
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(500));
}

/// The texts that a program is tried on, by kind.
fn all_texts(program: &Program, bytes: usize) -> Vec<(&'static str, String)> {
    let harmless = texts::KINDS.iter().map(|(kind, piece)| (*kind, texts::of_length(piece, bytes)));
    harmless.chain(hostile::KINDS.iter().map(|(kind, make)| (*kind, make(program, bytes)))).collect()
}

fn compile(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("compile");
    quick(&mut group);
    group.bench_function("default", |bencher| bencher.iter(programs::default_chain));
    for count in COUNTS {
        let text = programs::rules(count);
        group.bench_with_input(BenchmarkId::new("rules", count), &text, |bencher, text| {
            bencher.iter(|| programs::program(black_box(text)));
        });
    }
    group.finish();
}

fn request(criterion: &mut Criterion) {
    for (name, program) in all_programs() {
        let mut group = criterion.benchmark_group(format!("request/{name}"));
        quick(&mut group);
        for length in texts::LENGTHS {
            for (kind, text) in all_texts(&program, length) {
                group.throughput(Throughput::Bytes(text.len() as u64));
                group.bench_with_input(BenchmarkId::new(kind, length), &text, |bencher, text| {
                    bencher.iter(|| work::judge(&program, black_box(text)));
                });
            }
        }
        group.finish();
    }
}

fn piece(criterion: &mut Criterion) {
    for (name, program) in all_programs() {
        let mut group = criterion.benchmark_group(format!("piece/{name}"));
        quick(&mut group);
        for (kind, text) in all_texts(&program, LENGTH) {
            group.throughput(Throughput::Elements(text.len().div_ceil(PIECE) as u64));
            group.bench_with_input(BenchmarkId::from_parameter(kind), &text, |bencher, text| {
                let answer = |mut session: Session| {
                    work::stream(&mut session, black_box(text), PIECE);
                    session
                };
                bencher.iter_batched(|| work::open(&program), answer, BatchSize::SmallInput);
            });
        }
        group.finish();
    }
}

fn open(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("open");
    quick(&mut group);
    for (name, program) in all_programs() {
        group.bench_function(name, |bencher| bencher.iter(|| work::open(black_box(&program))));
    }
    group.finish();
}

fn scalars(criterion: &mut Criterion) {
    let program = programs::program(&programs::scalar_rules(300));
    let request = programs::scalar_request();
    let mut group = criterion.benchmark_group("scalars");
    quick(&mut group);
    group.bench_function("300 rules", |bencher| {
        bencher.iter(|| Session::new(Arc::clone(&program), || 0).request(black_box(&request)));
    });
    group.finish();
}

criterion_group!(benches, compile, request, piece, open, scalars);
criterion_main!(benches);
