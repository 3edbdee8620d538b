//! The natural language of a text, told by its script and by the runs of three letters in it.

use whatlang::Lang;

/// The fewest letters of which a language is told. Fewer fit too many.
pub const FEWEST: usize = 24;

/// The most bytes that are looked at.
const MOST: usize = 8 * 1024;

/// The languages that can be told, by their codes in ISO 639-1, or 639-3 where that has none.
const CODES: [(Lang, &str); 70] = [
    (Lang::Afr, "af"),
    (Lang::Aka, "ak"),
    (Lang::Amh, "am"),
    (Lang::Ara, "ar"),
    (Lang::Aze, "az"),
    (Lang::Bel, "be"),
    (Lang::Ben, "bn"),
    (Lang::Bul, "bg"),
    (Lang::Cat, "ca"),
    (Lang::Ces, "cs"),
    (Lang::Cmn, "zh"),
    (Lang::Cym, "cy"),
    (Lang::Dan, "da"),
    (Lang::Deu, "de"),
    (Lang::Ell, "el"),
    (Lang::Eng, "en"),
    (Lang::Epo, "eo"),
    (Lang::Est, "et"),
    (Lang::Fin, "fi"),
    (Lang::Fra, "fr"),
    (Lang::Guj, "gu"),
    (Lang::Heb, "he"),
    (Lang::Hin, "hi"),
    (Lang::Hrv, "hr"),
    (Lang::Hun, "hu"),
    (Lang::Hye, "hy"),
    (Lang::Ind, "id"),
    (Lang::Ita, "it"),
    (Lang::Jav, "jv"),
    (Lang::Jpn, "ja"),
    (Lang::Kan, "kn"),
    (Lang::Kat, "ka"),
    (Lang::Khm, "km"),
    (Lang::Kor, "ko"),
    (Lang::Lat, "la"),
    (Lang::Lav, "lv"),
    (Lang::Lit, "lt"),
    (Lang::Mal, "ml"),
    (Lang::Mar, "mr"),
    (Lang::Mkd, "mk"),
    (Lang::Mya, "my"),
    (Lang::Nep, "ne"),
    (Lang::Nld, "nl"),
    (Lang::Nob, "nb"),
    (Lang::Ori, "or"),
    (Lang::Pan, "pa"),
    (Lang::Pes, "fa"),
    (Lang::Pol, "pl"),
    (Lang::Por, "pt"),
    (Lang::Ron, "ro"),
    (Lang::Rus, "ru"),
    (Lang::Sin, "si"),
    (Lang::Slk, "sk"),
    (Lang::Slv, "sl"),
    (Lang::Sna, "sn"),
    (Lang::Spa, "es"),
    (Lang::Srp, "sr"),
    (Lang::Swe, "sv"),
    (Lang::Tam, "ta"),
    (Lang::Tel, "te"),
    (Lang::Tgl, "tl"),
    (Lang::Tha, "th"),
    (Lang::Tuk, "tk"),
    (Lang::Tur, "tr"),
    (Lang::Ukr, "uk"),
    (Lang::Urd, "ur"),
    (Lang::Uzb, "uz"),
    (Lang::Vie, "vi"),
    (Lang::Yid, "yi"),
    (Lang::Zul, "zu"),
];

/// The code of the language that texts are in together. Nothing where there are too few letters, or where it is less certain
/// than `least`, from 0 to 1. Letters of Chinese, Japanese and Korean count for three, since they stand for as much.
pub fn of<'t>(texts: impl Iterator<Item = &'t str>, least: f64) -> Option<&'static str> {
    let mut all = String::new();
    for text in texts {
        if !all.is_empty() {
            all.push('\n');
        }
        let room = MOST.saturating_sub(all.len());
        all.push_str(text.get(..text.floor_char_boundary(room)).unwrap_or(text));
    }
    let weight = |c: char| if c >= '\u{2e80}' { 3 } else { 1 };
    let letters: usize = all.chars().filter(|c| c.is_alphabetic()).map(weight).sum();
    if letters < FEWEST {
        return None;
    }
    let found = whatlang::detect(&all).filter(|found| found.confidence() >= least)?;
    CODES.iter().find(|(lang, _)| *lang == found.lang()).map(|(_, code)| *code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Option<&'static str> {
        of(std::iter::once(text), 0.5)
    }

    #[test]
    fn common_languages_are_told() {
        for (text, code) in [
            ("The quick brown fox jumps over the lazy dog, and then it goes home.", "en"),
            ("Der schnelle braune Fuchs springt über den faulen Hund und geht dann nach Hause.", "de"),
            ("Le renard brun et rapide saute par-dessus le chien paresseux et rentre chez lui.", "fr"),
            ("El zorro marrón salta sobre el perro perezoso y después se va a su casa.", "es"),
            ("Быстрая коричневая лиса прыгает через ленивую собаку и идёт домой.", "ru"),
            ("请告诉我今天伦敦的天气怎么样", "zh"),
            ("今日のロンドンの天気を教えてください", "ja"),
            ("오늘 런던 날씨가 어떤지 알려 주세요", "ko"),
        ] {
            assert_eq!(told(text), Some(code), "{text}");
        }
    }

    #[test]
    fn too_little_is_not_told_and_texts_count_together() {
        assert_eq!(told("Guten Morgen!"), None);
        assert_eq!(told("12345 67890 !!! ??? 4111 1111 1111 1111"), None);
        let halves = ["Der schnelle braune Fuchs springt über", "den faulen Hund und geht nach Hause."];
        assert_eq!(of(halves.into_iter(), 0.5), Some("de"));
        assert_eq!(of(halves.into_iter(), 1.1), None);
    }

    #[test]
    fn every_language_has_its_own_code() {
        let mut codes: Vec<&str> = CODES.iter().map(|(_, code)| *code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Lang::all().len());
    }
}
