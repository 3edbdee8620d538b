//! Instructions, counted: what the engine does for fixed work, held against what it did before. A clock depends on the
//! machine and its load; these numbers do not, so a change that makes the engine slower fails here at once.
//!
//! The work runs under valgrind, in the build that tests run in: the engine with few optimisations, its libraries with
//! most. So the numbers say how much is done, and not how fast a release does it; `cargo bench --bench engine` says that.
//! They hold for one version of the compiler, which the first line of `counts.txt` names: another is not compared.
//!
//! `UPDATE_COUNTS=1` writes them anew; say in the commit what changed them.

#[expect(dead_code, reason = "the benchmark has more kinds of them")]
#[path = "../bench/engine/hostile.rs"]
mod hostile;
#[path = "../bench/engine/programs.rs"]
mod programs;
#[expect(dead_code, reason = "the benchmark has more lengths of them")]
#[path = "../bench/engine/texts.rs"]
mod texts;
mod valgrind;
#[path = "../bench/engine/work.rs"]
mod work;

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use engine::{Program, Session};

/// So much more than before is too much, in parts of a hundred. A build in another folder differs by a few.
const TOLERANCE: u64 = 15;

/// Bytes of texts.
const LENGTH: usize = 4 << 10;
/// Bytes of a piece of an answer.
const PIECE: usize = 5;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/counts/counts.txt");

/// What is made to be expensive, and work that is larger, cost at most so many times what other work does, whatever it was before.
const BOUNDS: &[(&str, u64, &str)] = &[
    ("default chain, prompt of near misses", 5, "default chain, prompt of prose"),
    ("default chain, prompt of atoms", 5, "default chain, prompt of prose"),
    ("default chain, prompt of base64 of noise", 5, "default chain, prompt of prose"),
    ("default chain, 64 KiB of base64 of noise", 20, "default chain, prompt of base64 of noise"),
    ("default chain, prompt of base64 thrice", 5, "default chain, prompt of prose"),
    ("500 rules, prompt of prose", 2, "50 rules, prompt of prose"),
    ("default chain, answer of near misses", 5, "default chain, answer of prose"),
];

/// Work, by name.
type Work = (&'static str, Box<dyn FnMut()>);

fn requests(name: &'static str, program: &Arc<Program>, text: String) -> Work {
    let program = Arc::clone(program);
    (name, Box::new(move || drop(black_box(work::judge(&program, &text)))))
}

/// An answer; the session is made before.
fn answers(name: &'static str, program: &Arc<Program>, text: String) -> Work {
    let mut sessions: Vec<Session> = (0..2).map(|_| work::open(program)).collect();
    let answer = move || {
        let mut session = sessions.pop().expect("one for each run");
        black_box(work::stream(&mut session, &text, PIECE));
        std::mem::forget(session);
    };
    (name, Box::new(answer))
}

fn all() -> Vec<Work> {
    let prose = || texts::of_length(texts::KINDS[0].1, LENGTH);
    let default = programs::default_chain();
    let [few, many] = [50, 500].map(|count| programs::program(&programs::rules(count)));
    let scalars = programs::program(&programs::scalar_rules(300));
    let opened = Arc::clone(&default);
    vec![
        requests("default chain, prompt of prose", &default, prose()),
        requests("default chain, prompt of code", &default, texts::of_length(texts::KINDS[1].1, LENGTH)),
        requests("default chain, prompt of near misses", &default, hostile::near_misses(&default, LENGTH)),
        requests("default chain, prompt of atoms", &default, hostile::atoms(&default, LENGTH)),
        requests("default chain, prompt of base64 of noise", &default, hostile::encoded_noise(LENGTH)),
        requests("default chain, 64 KiB of base64 of noise", &default, hostile::encoded_noise(16 * LENGTH)),
        requests("default chain, prompt of base64 thrice", &default, hostile::encoded_thrice(LENGTH)),
        requests("50 rules, prompt of prose", &few, prose()),
        requests("500 rules, prompt of prose", &many, prose()),
        answers("default chain, answer of prose", &default, prose()),
        answers("default chain, answer of near misses", &default, hostile::near_misses(&default, LENGTH)),
        answers("500 rules, answer of prose", &many, prose()),
        ("default chain, opening an answer", Box::new(move || drop(black_box(work::open(&opened))))),
        (
            "300 rules over plain values",
            Box::new(move || {
                let request = programs::scalar_request();
                drop(black_box(Session::new(Arc::clone(&scalars), || 0).request(&request)));
            }),
        ),
    ]
}

/// What is counted: all that happens in a function of its own for each piece of work, by which it is told from the others.
macro_rules! counted {
    ($($name:ident $number:literal)*) => {
        $(#[inline(never)]
        fn $name(work: &mut dyn FnMut()) {
            black_box($number);
            work();
            black_box($number);
        })*
        const COUNTED: &[fn(&mut dyn FnMut())] = &[$($name),*];
    };
}
counted! {
    counted_here_0 0 counted_here_1 1 counted_here_2 2 counted_here_3 3 counted_here_4 4 counted_here_5 5
    counted_here_6 6 counted_here_7 7 counted_here_8 8 counted_here_9 9 counted_here_10 10 counted_here_11 11
    counted_here_12 12 counted_here_13 13
}

#[test]
fn the_counts_hold() {
    if std::env::var_os(valgrind::INSIDE).is_some() {
        for ((_, mut work), counted) in all().into_iter().zip(COUNTED) {
            work(); // what is made once is made now
            counted(&mut work);
        }
        return;
    }
    let names: Vec<&str> = all().iter().map(|(name, _)| *name).collect();
    let Some(counts) = valgrind::count("counted_here_", "the_counts_hold") else {
        eprintln!("skipped: there is no valgrind here; install it, such as with `apt-get install valgrind`");
        return;
    };
    assert_eq!(counts.len(), names.len(), "one count for each piece of work");
    let mut told = format!("{}\n", valgrind::machine());
    for (number, name) in names.iter().enumerate() {
        let count = counts[&number.to_string()];
        writeln!(told, "{count:>12} {name}").expect("a string takes all");
    }
    println!("{told}");
    let count = |name: &str| {
        let number = names.iter().position(|known| *known == name).expect("a name of what is counted");
        counts[&number.to_string()]
    };
    for (work, times, other) in BOUNDS {
        let (many, few) = (count(work), count(other));
        assert!(
            many <= times * few,
            "`{work}` takes {many} instructions, over {times} times those of `{other}`: {few}"
        );
    }
    if std::env::var_os("UPDATE_COUNTS").is_some() {
        std::fs::write(FILE, told).expect("the file can be written");
        return;
    }
    compare(&std::fs::read_to_string(Path::new(FILE)).unwrap_or_default(), &told);
}

/// Fails where more is done than before, and tells where so much less is done that the file says little any more.
fn compare(before: &str, now: &str) {
    let (mut before, mut now) = (before.lines(), now.lines());
    let (known, here) = (before.next().unwrap_or_default(), now.next().unwrap_or_default());
    if known != here {
        eprintln!("not compared: the counts are those of `{known}`, and this is `{here}`");
        return;
    }
    let read = |line: &str| {
        let (count, name) = line.trim_start().split_once(' ')?;
        Some((name.to_owned(), count.parse::<u64>().ok()?))
    };
    let known: Vec<(String, u64)> = before.filter_map(read).collect();
    let mut wrong = Vec::new();
    for (name, count) in now.filter_map(read) {
        let Some((_, was)) = known.iter().find(|(other, _)| *other == name) else {
            wrong.push(format!("`{name}` has no count yet: {count}"));
            continue;
        };
        if count * 100 > was * (100 + TOLERANCE) {
            wrong.push(format!("`{name}` takes {count} instructions, and took {was}"));
        }
        if count * (100 + TOLERANCE) < was * 100 {
            eprintln!("`{name}` takes only {count} instructions, and took {was}: UPDATE_COUNTS=1 keeps that");
        }
    }
    assert!(wrong.is_empty(), "{}\nwith UPDATE_COUNTS=1 the test writes what is", wrong.join("\n"));
}
