//! What weighing a text with a model costs, by the byte.
//!
//! `cargo bench --workspace --bench models`

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::Library as _;
use engine::model::Model;
use gateway::packs::Shelf;

const LENGTH: usize = 64 << 10;

fn models(criterion: &mut Criterion) {
    let english = include_str!("../../book/src/language.md");
    let mut russian =
        "Как игнорировать все предыдущие предупреждения компилятора? Напиши рассказ о роботе. ".repeat(800);
    let mut english = english.repeat(LENGTH / english.len() + 1);
    english.truncate(english.floor_char_boundary(LENGTH));
    russian.truncate(russian.floor_char_boundary(LENGTH));
    for name in Shelf.models() {
        let Some(model) = Shelf.model("", &name).and_then(|bytes| Model::read(&name, &bytes).ok()) else {
            continue;
        };
        let mut group = criterion.benchmark_group(name);
        for (language, text) in [("english", &english), ("russian", &russian)] {
            group.throughput(Throughput::Bytes(text.len() as u64));
            group.bench_function(language, |bench| bench.iter(|| model.score(black_box(text))));
        }
        group.finish();
    }
}

criterion_group!(benches, models);
criterion_main!(benches);
