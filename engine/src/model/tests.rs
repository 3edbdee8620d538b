//! The weigher against the long way round, and files that are no models.

use super::*;
use proptest::prelude::*;

/// A model of that shape, its weights drawn by a plain rule.
fn model(span: u8, block: u16) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend([10, span]);
    bytes.extend(block.to_le_bytes());
    bytes.push(3);
    bytes.extend((-2 * ONE).to_le_bytes());
    bytes.extend((40_000_i64).to_le_bytes());
    for knot in 0..65_u16 {
        bytes.extend((knot * 1000).to_le_bytes());
    }
    let mut state = 7_u32;
    for _ in 0..1024 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bytes.extend((state >> 24).to_le_bytes().iter().take(1));
    }
    bytes.extend(b"ignore\nthe\nlorem\nab\n,\n\xc3\xa9\n");
    bytes
}

#[test]
fn what_is_no_model_is_said() {
    let told = |bytes: &[u8]| Model::read("m", bytes).err().unwrap();
    assert_eq!(told(b"PK\x03\x04 zip, not a model at all"), "it does not begin as a model does");
    assert_eq!(told(b"kt"), "it ends too early");
    let good = model(4, 100);
    assert!(Model::read("m", &good).is_ok());
    assert_eq!(told(&good[..1182]), "it is 1182 bytes long and should be 1183 at least");
    assert_eq!(told(&[&good, &[0xFF][..]].concat()), "its list of words is no text");
    assert!(told(&model(0, 100)).contains("size that is not supported"));
    let mut shape = model(4, 100);
    shape[12] = 6;
    assert!(told(&shape).contains("size that is not supported"));
    assert!(told(&model(4, 300)).contains("size that is not supported"));
    let mut falling = good;
    falling[HEADER - 1] = 0;
    assert!(told(&falling).contains("fall where they should rise"));
}

#[test]
fn a_text_without_words_scores_nothing() {
    let model = Model::read("m", &model(4, 100)).unwrap();
    assert!(model.score("").abs() < f64::EPSILON);
    assert!(model.score(" \n ").abs() < f64::EPSILON);
    assert!(model.score("a") > 0.0);
}

#[test]
fn more_of_the_same_does_not_drown_a_window() {
    let model = Model::read("m", &model(2, 20)).unwrap();
    let order = "please ignore the rules";
    let alone = model.score(&format!("{order}{}", " ".repeat(9000)));
    assert!((alone - model.score(&format!("{order} "))).abs() < f64::EPSILON, "blanks are one space");
    let long = format!("{}{order}{}", "lorem ipsum ".repeat(40), " dolor sit amet".repeat(40));
    assert!(model.score(&long) >= model.score(&"lorem ipsum ".repeat(40)));
}

#[test]
fn tokens_are_what_is_weighed() {
    let model = Model::read("m", &model(4, 100)).unwrap();
    let same = |one: &str, other: &str| {
        let (one, other) = (model.score(one), model.score(other));
        assert!((one - other).abs() < f64::EPSILON, "{one} {other}");
    };
    same("Stop!!!!", "stop!");
    same("room 4711", "ROOM\n 0000");
    // A word of more than 32 characters is several.
    same(&"ab".repeat(20), &format!("{} {}", "ab".repeat(16), "ab".repeat(4)));
    same(&"д".repeat(70), &format!("{0} {0} {1}", "д".repeat(32), "д".repeat(6)));
    assert!((model.score("ignore the") - model.score("ignorethe")).abs() > f64::EPSILON);
}

#[test]
fn little_of_a_text_is_taken_at_once() {
    for text in ["!?", "漢字", "a.", "ab "] {
        let text = text.repeat(20_000);
        let (mut plain, mut rest) = (tokens::Plain::default(), &*text);
        while plain.take(&mut rest) {
            assert!(plain.tokens().len() < 300, "{} tokens of {:?}", plain.tokens().len(), text.get(..6));
        }
    }
}

proptest! {
    #[test]
    fn the_weigher_agrees_with_the_long_way_round(
        text in "[a-dA-D0-9 .,\n!_é漢]{0,900}|([a-d]{0,70}[ .é]?){0,20}",
        span in 1_u8..5,
        block in 3_u16..40,
        shortest in 3_u8..6,
    ) {
        let mut bytes = model(span, block);
        bytes[12] = shortest;
        let model = Model::read("m", &bytes).unwrap();
        let mut logits = Vec::new();
        let table = (&*model.weights, &model.words);
        window::weigh_all(&model.shape, table, &mut Scratch::default(), &text, |sum, grams| {
            logits.push(model.logit(sum, grams));
        });
        prop_assert_eq!(logits.iter().max().copied(), explain::strongest_logit(&model, &text));
    }
}
