//! Differences as people read them.

use insta::assert_snapshot;

use super::{Difference, Part, parts};

fn drawn(expected: &str, got: &str) -> String {
    Difference { expected: expected.to_owned(), got: got.to_owned() }.draw(false)
}

#[test]
fn what_differs_is_underlined() {
    assert_snapshot!(drawn(
        "Your card [CREDIT_CARD] is on file.",
        "Your card 4111 1111 1111 1111 is on file."
    ));
    assert_snapshot!(drawn("thanks", "thank you"));
    assert_snapshot!(drawn("", "something"));
}

#[test]
fn what_cannot_be_seen_is_written_out() {
    assert_snapshot!(drawn(
        "pass\u{200B}word \"it's\" caf\u{E9}\n",
        "password \"it's\" cafe\u{301} \n\u{FEFF}\t"
    ));
}

#[test]
fn marks_stand_below_wide_signs() {
    assert_snapshot!(drawn("日本の秘密は安全です", "日本の[秘密]は安全です e\u{301}x"));
}

#[test]
fn long_texts_are_shortened_around_what_differs() {
    let filler = "the quick brown fox jumps over the lazy dog ".repeat(40);
    assert_snapshot!(drawn(
        &format!("{filler}[NAME]{filler}one{filler}"),
        &format!("{filler}Bluebird{filler}two{filler}")
    ));
    assert_snapshot!(drawn(&"a".repeat(500), &"b".repeat(40_000)));
    let many = |word: &str| format!("{filler}{word} ").repeat(9);
    assert_snapshot!(drawn(&many("x"), &many("y")));
}

#[test]
fn colours_take_the_place_of_marks() {
    let difference = Difference { expected: "a b c".to_owned(), got: "a x c".to_owned() };
    assert_eq!(
        difference.draw(true),
        "  expected  \"a \u{1b}[1;4;32mb\u{1b}[0m c\"\n  got       \"a \u{1b}[1;4;31mx\u{1b}[0m c\"\n"
    );
}

#[test]
fn the_parts_make_up_both_texts() {
    let words = ["one", " ", "two", "\n", "", "onetwo", "é", "  ", "o"];
    for seed in 0..4000_usize {
        let text = |from: usize| {
            (0..6)
                .map(|i| words[(seed / 7_usize.pow(i) + from * (i as usize + seed)) % words.len()])
                .collect::<String>()
        };
        let (expected, got) = (text(1), text(3));
        let parts = parts(&expected, &got);
        assert_eq!(parts.iter().map(Part::expected).collect::<String>(), expected);
        assert_eq!(parts.iter().map(Part::got).collect::<String>(), got);
        assert!(parts.windows(2).all(|pair| pair[0].is_changed() != pair[1].is_changed()), "{parts:?}");
        assert!(super::parts(&got, &got).iter().all(|part| !part.is_changed()));
    }
}
